"""What proves that a row is absent, and what does not."""

from __future__ import annotations

import httpx
import pytest

from edge_cache.supabase.absence import can_exist, proves_absence


def error(status: int, **members: object) -> httpx.Response:
    """Return PostgREST's error."""
    return httpx.Response(status, json=members)


NONE = "The result contains 0 rows"


@pytest.mark.parametrize(
    "answer",
    [
        error(406, code="PGRST116", details=NONE),
        error(406, code="PGRST116", details="Results contain 0 rows, … requires 1 row"),
        error(406, code="PGRST116", details=None, message="0 rows"),
        error(406, code="PGRST116", message=NONE),
    ],
)
def test_a_count_of_no_rows_proves_it(answer: httpx.Response) -> None:
    """It proves this in the words of any version of PostgREST."""
    assert proves_absence(answer, "7")


@pytest.mark.parametrize(
    "answer",
    [
        error(406, code="PGRST116", details="The result contains 2 rows"),
        error(406, code="PGRST116", details="The result contains 10 rows"),
        error(406, code="PGRST116", details="The result contains 2 rows", message=NONE),
        error(406, code="PGRST116", details="", message=None),
        error(406, code="PGRST116"),
        error(406, code="PGRST116", details=[NONE], message={"x": NONE}),
        error(406, code="PGRST116", hint=NONE),
        error(406, code="PGRST107", details=NONE),
        error(406, details=NONE),
        error(404, code="PGRST116", details=NONE),
        error(200, code="PGRST116", details=NONE),
        httpx.Response(406, text=f'"PGRST116" {NONE}'),
        httpx.Response(406, html="<p>0 rows"),
        httpx.Response(406, json=["PGRST116", NONE]),
        httpx.Response(406),
    ],
)
def test_nothing_else_about_a_count_proves_it(answer: httpx.Response) -> None:
    """Several rows prove nothing. Other errors prove nothing, nor do words of another server."""
    assert not proves_absence(answer, "7")


MISFITS = [
    ("22P02", 'invalid input syntax for type bigint: "abc"', "abc"),
    ("22P02", 'invalid input syntax for type bigint: ""', ""),
    ("22P02", 'invalid input syntax for type bigint: "a"b"', 'a"b'),
    ("22P02", 'invalid input value for enum "mood": "abc"', "abc"),
    ("22003", 'value "99999999999999999999" is out of range for type bigint', "9" * 20),
    ("22003", 'value "100000000000000000000" is out of range for type bigint', "9" * 20),
    ("22003", "value overflows numeric format", "1e999999"),
    ("22007", 'invalid input syntax for type date: "abc"', "abc"),
    ("22008", 'date/time field value out of range: "2026-02-30"', "2026-02-30"),
    ("22021", "invalid byte sequence", "abc"),
    ("22P05", "character has no equivalent", "😀"),
]


@pytest.mark.parametrize(("code", "message", "row_id"), MISFITS)
def test_an_id_that_the_column_cannot_hold_proves_it(code: str, message: str, row_id: str) -> None:
    """If the column is numeric, `/articles/abc` is not there."""
    assert proves_absence(error(400, code=code, message=message), row_id)
    assert proves_absence(error(400, code=code), row_id)


@pytest.mark.parametrize(("code", "message", "row_id"), MISFITS)
def test_only_a_bad_request_proves_it(code: str, message: str, row_id: str) -> None:
    """An answer with another status does not come from PostgREST."""
    for status in (200, 401, 404, 406, 409):
        assert not proves_absence(error(status, code=code, message=message), row_id)


@pytest.mark.parametrize(
    ("message", "row_id"),
    [
        ('invalid input syntax for type bigint: "abc"', "7"),
        ('invalid input syntax for type bigint: "77"', "7"),
        ('invalid input syntax for type bigint: "abc"', "ab"),
        ('invalid input syntax for type bigint: "abc', "abc"),
        ('invalid input syntax for type bigint: "8"', "7"),
        ('invalid input syntax for type bigint: "nan"', "7"),
        ('invalid byte sequence for encoding "UTF8": 0x00', "abc"),
    ],
)
def test_a_value_that_is_not_the_id_proves_nothing(message: str, row_id: str) -> None:
    """A view or a policy may fail in the same words because of a value of its own."""
    assert not proves_absence(error(400, code="22P02", message=message), row_id)


@pytest.mark.parametrize(
    "code", ["22000", "22012", "22023", "22P03", "23514", "42703", "", None, 22]
)
def test_other_codes_say_nothing_about_the_id(code: object) -> None:
    """If a view divides by zero, that is an error of the view."""
    assert not proves_absence(error(400, code=code, message="x"), "7")


def test_only_an_id_without_nul_can_exist() -> None:
    """No Postgres type can hold U+0000."""
    assert can_exist("7")
    assert can_exist("")
    assert not can_exist("\0")
    assert not can_exist("a\0b")
