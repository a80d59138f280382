"""Which rows a query can only be about."""

from __future__ import annotations

import pytest

from edge_cache.supabase.catalogue import Key
from edge_cache.supabase.key_filters import MAX_KEYS, keys_asked

UUID = "0b1c2d3e-0000-4000-8000-00000000000f"


def keys(condition: str, type_: str = "int8") -> set[str] | None:
    """Return the keys of a query with one filter of the key."""
    found = keys_asked([("id", condition)], Key("id", type_, ("public", "a")))
    return None if found is None else set(found)


def about(column: str, *filters: tuple[str, str]) -> set[str] | None:
    """Return the keys of a query of a table with a text key."""
    found = keys_asked(filters, Key(column, "text", ("public", "a")))
    return None if found is None else set(found)


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        *(("int2", text) for text in ("0", "7", "-1", "32767", "-32768")),
        *(("int4", text) for text in ("10", "2147483647", "-2147483648")),
        *(("int8", text) for text in ("9223372036854775807", "-9223372036854775808")),
        *(("text", text) for text in ("", "x", "A b", "(1,2)", "null", "ü", 'a"b', "eq.1", "a\nb")),
        *(("varchar", text) for text in ("", "x ", " x")),
        ("uuid", UUID),
        ("date", "2024-02-29"),
        ("date", "0001-01-01"),
    ],
)
def test_a_value_counts_if_it_is_spelled_as_in_json(type_: str, text: str) -> None:
    assert keys(f"eq.{text}", type_) == {text}


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        *(("int2", text) for text in ("32768", "-32769")),
        *(("int4", text) for text in ("2147483648", "-2147483649")),
        *(("int8", text) for text in ("9223372036854775808", "-9223372036854775809", "9" * 5000)),
        *(("int8", text) for text in ("", "07", "+7", "-0", "00", " 7", "7 ", "7\n", "1e3", "1_0")),
        *(("int8", text) for text in ("0x7", "7.0", "\u0667", "x")),
        *(("uuid", text) for text in (UUID.upper(), UUID.replace("-", ""), f"{{{UUID}}}", "", "x")),
        *(("uuid", text) for text in (UUID + "0", UUID + "\n", UUID.replace("f", "g"))),
        *(("date", text) for text in ("2023-02-29", "20240229", "2024-2-29", "10000-01-01", "now")),
        *(("date", text) for text in ("2024-W01-1", "0000-01-01", "2024-01-01\n", "today", "")),
        *(("numeric", text) for text in ("1", "1.0")),
        ("bpchar", "x"),
        ("timestamp", "2024-01-01T00:00:00"),
        ("bool", "true"),
    ],
)
def test_other_values_do_not_count(type_: str, text: str) -> None:
    assert keys(f"eq.{text}", type_) is None


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("in.(1)", {"1"}),
        ("in.(1,2,2)", {"1", "2"}),
        ("in.(1,07)", None),
        ("in.(1, 2)", None),
        ("in.()", None),
        ("in.(1,)", None),
        ("in.(1,2)x", None),
        ("in.1,2", None),
        ("xin.(1)", None),
    ],
)
def test_a_list_counts_if_all_of_it_does(condition: str, found: set[str] | None) -> None:
    assert keys(condition) == found


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("in.(a,b-c,d.e)", {"a", "b-c", "d.e"}),
        ("in.(ü)", {"ü"}),
        *(
            (f"in.(a,{odd})", None)
            for odd in ('"b"', "b c", "(b)", "b\\", "{b}", "'b'", " b", "b\n")
        ),
        ("in.(a,)", None),
    ],
)
def test_texts_in_a_list_are_simple(condition: str, found: set[str] | None) -> None:
    assert keys(condition, "text") == found


@pytest.mark.parametrize(
    "condition",
    [
        "not.eq.1",
        'eq."x"',
        "gt.1",
        "is.null",
        "eq(any).{1,2}",
        "neq.1",
        "not.in.(1)",
        "eq",
        "",
        "EQ.1",
        "like.1",
    ],
)
def test_other_conditions_do_not_count(condition: str) -> None:
    assert keys(condition) is None
    assert keys(condition, "text") is None


@pytest.mark.parametrize(
    ("column", "spelled"),
    [
        ("id", "id"),
        ("my id", "my id"),
        ("limit", '"limit"'),
        ("Select", '"Select"'),
        ("a.b", '"a.b"'),
        ('a"b', '"a\\"b"'),
    ],
)
def test_the_key_is_named_as_a_column(column: str, spelled: str) -> None:
    assert about(column, (spelled, "eq.x")) == {"x"}


@pytest.mark.parametrize("name", ["a.id", "or", "and", "ids", "id ", "ID", "id->a", "limit"])
def test_other_parameters_are_not_about_the_key(name: str) -> None:
    assert about("id", (name, "eq.x")) is None


def test_a_column_with_the_name_of_a_parameter_is_not_that_parameter() -> None:
    assert about("limit", ("limit", "eq.x")) is None


def test_the_filter_with_the_fewest_keys_counts() -> None:
    many, one = ("id", "in.(a,b)"), ("id", "eq.c")
    assert about("id", many, one) == about("id", one, many) == {"c"}
    assert about("id", ("id", "gt.a"), many) == {"a", "b"}


def test_a_query_of_more_rows_than_a_hundred_is_about_all_rows() -> None:
    def of(count: int) -> set[str] | None:
        return keys(f"in.({','.join(map(str, range(count)))})")

    assert len(of(MAX_KEYS) or ()) == MAX_KEYS == 100
    assert of(MAX_KEYS + 1) is None
