"""Which rows a change of the outbox names."""

from __future__ import annotations

import json

import pytest

from edge_cache.changes import MAX_KEYS, Change
from edge_cache.errors import BadPayload
from edge_cache.supabase.changed_rows import change_of
from edge_cache.supabase.parsing import loads
from edge_cache.tables import Table

EVENTS = Table("events", key="slug", schema="agenda")
POSTS = Table("posts", own_name="Blog Posts")
TABLES = (Table("articles"), EVENTS, POSTS)


def announced(**members: object) -> Change:
    """Return what is read from an announcement, with other members if some are given."""
    told = {"schema": "public", "table": "articles", "key": "id", "keys": [1, 2], **members}
    read = loads(json.dumps(told).encode())
    assert isinstance(read, dict)
    return change_of(read, TABLES)


def test_it_names_each_row_once_as_json_spells_its_key() -> None:
    change = announced(keys=[1, "a/b", 1.50, 2**70, "1", 1])
    assert change == Change("public.articles", ("1", "a/b", "1.5", str(2**70)))
    assert {type(key) for key in change.keys or ()} == {str}


def test_without_keys_any_row_may_have_changed() -> None:
    """Examples are a TRUNCATE, and a statement that changes too many rows."""
    assert announced(keys=None) == Change("public.articles", None)


def test_more_keys_than_a_change_may_have_are_all_rows() -> None:
    many = [str(number) for number in range(MAX_KEYS)]
    assert announced(keys=many).keys == tuple(many)
    assert announced(keys=[*many, many[0]]).keys == tuple(many)
    assert announced(keys=[*many, "one more"]).keys is None


@pytest.mark.parametrize("column", ["slug", 5, ["id"], False])
def test_keys_of_another_column_name_no_row(column: object) -> None:
    """The triggers are older than a change of the declared key, or newer."""
    assert announced(key=column).keys is None


def test_a_key_whose_column_is_not_named_is_the_declared_one() -> None:
    assert announced(key=None).keys == ("1", "2")


@pytest.mark.parametrize(
    ("members", "relation"),
    [
        ({"table": "users"}, "public.users"),
        ({"schema": "agenda"}, "agenda.articles"),
        ({"table": "posts"}, "public.posts"),
        ({"schema": "größe", "table": "a.b c"}, "gr%C3%B6%C3%9Fe.a%2Eb%20c"),
    ],
)
@pytest.mark.parametrize("keys", [None, [1], ["private"], [True], 5])
def test_of_a_table_that_is_not_declared_any_row_may_have_changed(
    members: dict[str, object], relation: str, keys: object
) -> None:
    """Its keys are ignored. But answers may depend on it, because a view may read it."""
    assert announced(**members, keys=keys) == Change(relation, None)


def test_a_table_has_postgress_names() -> None:
    change = announced(table="Blog Posts", keys=["a"])
    assert change == Change("public.Blog%20Posts", ("a",))
    assert announced(schema="agenda", table="events", key="slug").relation == "agenda.events"


@pytest.mark.parametrize("keys", [[True], [None], [1, {}], [["a"]], {}, "a", 5, ["\ud800"], False])
def test_keys_are_numbers_and_texts(keys: object) -> None:
    with pytest.raises(BadPayload) as caught:
        announced(keys=keys)
    assert caught.value.detail == 'Its "keys" should be null or a list of numbers and texts.'


@pytest.mark.parametrize("member", ["table", "schema"])
@pytest.mark.parametrize("value", [None, 5, True, {}])
def test_it_names_its_table(member: str, value: object) -> None:
    with pytest.raises(BadPayload, match='It needs "table" and "schema", each a text'):
        announced(**{member: value})
