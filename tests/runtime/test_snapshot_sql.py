"""`supabase/snapshot.sql`, on a real Postgres: what the function shows, and to whom."""

from __future__ import annotations

from typing import Any

import pytest
from pglite import said_by

NO_PRIVILEGE = "42501"


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    """Return what the function gave, by the question."""
    return said_by("snapshot.mjs", "schemas/articles.sql", "snapshot.sql")


def test_it_shows_what_row_level_security_shows(said: dict[str, Any]) -> None:
    """All visible rows with all columns, in the order of the key; drafts are hidden."""
    assert [(row["id"], row["title"]) for row in said["articles"]] == [
        (1, "first"),
        (3, "third"),
        (10, "tenth"),
    ]
    assert said["articles"][0] == {"id": 1, "title": "first", "body": "", "published": True}
    assert said["to_authenticated"] == said["articles"]


def test_its_order_is_the_apis(said: dict[str, Any]) -> None:
    """As `order=key.asc` has it: by the column's collation, nulls last. Names may be odd."""
    assert said["odd"] == said["odd_ordered"]
    assert said["odd"][-1]["Key, column"] is None


def test_no_rows_are_an_empty_array(said: dict[str, Any]) -> None:
    """And not null."""
    assert said["empty"] == []


def test_policies_find_the_tables_that_they_find_through_the_api(said: dict[str, Any]) -> None:
    """Though the function itself has no search path."""
    assert said["for_members"] == [{"id": 1}]


@pytest.mark.parametrize(
    "question", ["to_stranger", "ungranted", "catalogue", "elsewhere", "nowhere"]
)
def test_it_shows_nobody_more_than_the_api(said: dict[str, Any], question: str) -> None:
    """Roles, tables and schemas that the API does not show are refused."""
    assert said[question] == NO_PRIVILEGE


def test_names_are_names(said: dict[str, Any]) -> None:
    """Whatever is in one, it is no SQL: there is no such column."""
    assert said["injected"] == "42703"


def test_it_has_no_rights_of_its_own(said: dict[str, Any]) -> None:
    """Stable, with the caller's rights, and without a search path to be led astray by."""
    assert said["function"] == [
        {"provolatile": "s", "prosecdef": False, "proconfig": ['search_path=""']}
    ]
