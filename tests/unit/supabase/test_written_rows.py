"""Which rows a write can have changed, as its request names them."""

from __future__ import annotations

import json

import pytest

from edge_cache.changes import MAX_KEYS
from edge_cache.supabase.written_rows import Write, keys_written

MERGING = "return=minimal,resolution=merge-duplicates"


def written(
    method: str, parameters: str, body: object = None, prefer: str = ""
) -> tuple[str, ...] | None:
    """Return the keys of a write of a table whose key is ``id``, in order."""
    content = json.dumps(body).encode() if body is not None else None
    keys = keys_written(Write(method, parameters, prefer, content), "id")
    return None if keys is None else tuple(sorted(keys))


@pytest.mark.parametrize(
    ("parameters", "keys"),
    [
        ("id=eq.7", ("7",)),
        ("id=in.(7,8)", ("7", "8")),
        ("id=in.(7,8,9)&id=eq.7&title=eq.x", ("7",)),
        ("id=eq.7&select=title", ("7",)),
        ("", None),
        ("id=gt.7", None),
        ("id=not.eq.7", None),
        ("or=(id.eq.7,id.eq.8)", None),
        ("authors.id=eq.7", None),
    ],
)
def test_a_filter_names_the_rows_that_are_deleted(
    parameters: str, keys: tuple[str, ...] | None
) -> None:
    assert written("DELETE", parameters) == keys


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_body_can_give_a_row_another_key(method: str) -> None:
    assert written(method, "id=eq.7", {"title": "x"}) == ("7",)
    assert written(method, "id=eq.7", {"id": 7}) == ("7",)
    assert written(method, "id=eq.7", {"id": "8"}) == ("7", "8")
    assert written(method, "id=eq.7", [{"id": 8}, {"title": "x"}]) == ("7", "8")
    assert written(method, "id=eq.7", {"id": None}) is None
    assert written(method, "title=eq.x", {"id": 7}) is None
    assert written(method, "id=eq.7") is None


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ({"id": 7}, ("7",)),
        ([{"id": 7}, {"id": "8"}], ("7", "8")),
        ([{"id": 7}, {"title": "x"}], None),
        ({"id": True}, None),
        ([7], None),
        (7, None),
        ([{"id": key} for key in range(MAX_KEYS + 1)], None),
    ],
)
def test_a_body_names_the_rows_that_are_inserted(
    body: object, keys: tuple[str, ...] | None
) -> None:
    assert written("POST", "", body) == keys


@pytest.mark.parametrize(
    ("parameters", "prefer", "is_named"),
    [
        ("on_conflict=id", MERGING, True),
        ("on_conflict=%22id%22", MERGING, True),
        ("on_conflict=slug", MERGING, False),
        ("on_conflict=id,slug", MERGING, False),
        ("", MERGING, False),
        ("on_conflict=slug", "resolution=ignore-duplicates", False),
        ("on_conflict=slug", "return=minimal", True),
        ("columns=%22id%22,%22title%22", "", True),
        ("columns=title", "", False),
    ],
)
def test_an_upsert_can_replace_the_key_of_a_row_that_it_finds_by_something_else(
    parameters: str, prefer: str, is_named: bool
) -> None:
    assert written("POST", parameters, {"id": 7}, prefer) == (("7",) if is_named else None)


def test_a_body_that_is_no_json_names_nothing() -> None:
    write = Write("POST", "", body=b"id,title\n7,x")
    assert keys_written(write, "id") is None
