"""The notification of the triggers that `npm run sql` writes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edge_cache.errors import BadPayload
from edge_cache.resources import Change
from edge_cache.supabase.webhook import change_in
from edge_cache.tables import Table

ARTICLES = Table("articles")
EVENTS = Table("events", key="slug", schema="agenda")
TABLES = (ARTICLES, EVENTS)


def notified(**members: object) -> Change:
    """Return what is read from a notification, with other members if some are given."""
    payload: dict[str, object] = {
        "type": "UPDATE",
        "schema": "public",
        "table": "articles",
        "id": 17,
        "keys": [1, 2],
    }
    return change_in(json.dumps({**payload, **members}).encode(), TABLES)


def test_it_names_the_rows_that_changed() -> None:
    """Each row is named once, as a text. The notification has a number."""
    assert notified(keys=[1, "a/b", 1.50, 2**70, "1", 1]) == Change(
        ARTICLES, "UPDATE", ("1", "a/b", "1.5", str(2**70)), 17
    )
    assert {type(row_id) for row_id in notified().row_ids or ()} == {str}


@pytest.mark.parametrize("kind", ["INSERT", "UPDATE", "DELETE", "TRUNCATE"])
def test_without_keys_any_row_may_have_changed(kind: str) -> None:
    """Such a notification follows a TRUNCATE, or a change of too many rows."""
    changed = notified(type=kind, schema="agenda", table="events", keys=None)
    assert changed == Change(EVENTS, kind, None, 17)


@pytest.mark.parametrize("column", ["slug", 5, ["id"]])
def test_values_of_another_column_name_no_row(column: object) -> None:
    """The triggers are older than a change of the declared key, or newer."""
    assert notified(key=column).row_ids is None
    assert notified(key="id").row_ids == ("1", "2")
    assert notified(key=None).row_ids == ("1", "2")


def test_a_statement_may_have_touched_no_row() -> None:
    """Then the table has not changed."""
    assert notified(keys=[]).row_ids == ()


@pytest.mark.parametrize("members", [{"table": "users"}, {"schema": "agenda"}])
@pytest.mark.parametrize("keys", [None, [1], ["private"], [True], 5])
def test_of_other_tables_only_the_kind_and_number_are_told(
    members: dict[str, object], keys: object
) -> None:
    """Their keys are ignored."""
    assert notified(**members, keys=keys) == Change(None, "UPDATE", (), 17)


def test_ids_too_long_to_be_served_are_left_out() -> None:
    """No reader can have an entry of such a row."""
    assert notified(keys=["x" * 20_000, 1]).row_ids == ("1",)


@pytest.mark.parametrize("number", [None, 0])
def test_a_number_is_not_needed(number: object) -> None:
    """With a number, the outbox does not report the change again."""
    assert notified(id=number).number == 0


@pytest.mark.parametrize("number", ["17", 1.5, -1, True, [], "", 10**15])
def test_a_number_is_a_whole_one(number: object) -> None:
    """Any other number is refused."""
    with pytest.raises(BadPayload) as caught:
        notified(id=number)
    assert caught.value.detail == 'Its "id" should be a whole number.'
    assert notified(id=10**15 - 1).number == 10**15 - 1


@pytest.mark.parametrize("keys", [[True], [None], [1, {}], [["a"]], {}, "a", 5, ["\ud800"], False])
def test_keys_are_numbers_and_texts(keys: object) -> None:
    """Keys of any other type are refused."""
    with pytest.raises(BadPayload) as caught:
        notified(keys=keys)
    assert caught.value.detail == 'Its "keys" should be null or a list of numbers and texts.'


@pytest.mark.parametrize("kind", ["insert", "SELECT", "", None, 5])
def test_its_kind_is_a_statement_s(kind: Any) -> None:
    """Any other kind is refused."""
    with pytest.raises(BadPayload, match='"type"'):
        notified(type=kind)


@pytest.mark.parametrize("member", ["table", "schema"])
def test_it_names_its_table(member: str) -> None:
    """It names the table and its schema as texts."""
    with pytest.raises(BadPayload, match="each a text"):
        notified(**{member: 5})
