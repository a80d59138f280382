"""What is read from a Database Webhook's payload."""

from __future__ import annotations

import json

import pytest

from edge_cache.changes import Change
from edge_cache.errors import BadPayload
from edge_cache.supabase.webhook import MAX_BYTES, change_in, payload_in
from edge_cache.tables import DEFAULT, Table

AT = "2026-01-01T01:00:00+01:00"


def body(**members: object) -> bytes:
    """Return an UPDATE's payload, with other members if some are given."""
    payload: dict[str, object] = {
        "type": "UPDATE",
        "table": "articles",
        "schema": "public",
        "record": {"id": 1, "title": "private"},
        "old_record": {"id": 1},
    }
    return json.dumps({**payload, **members}).encode()


def change_of(payload: bytes, tables: tuple[Table, ...] = DEFAULT.tables) -> Change:
    """Return the change that a payload names."""
    return change_in(payload_in(payload), tables)


@pytest.mark.parametrize(
    ("payload", "keys"),
    [
        (body(), ("1",)),
        (body(record={"id": 2}), ("2", "1")),
        (body(type="INSERT", old_record=None), ("1",)),
        (body(type="DELETE", record=None, old_record={"id": "a/b"}), ("a/b",)),
        (body(record={"id": 2**70}, old_record={"id": 2**70}), (str(2**70),)),
        (body(record={"id": "1-5"}, old_record={"id": "1-5"}), ("1-5",)),
    ],
)
def test_it_names_the_rows_that_changed(payload: bytes, keys: tuple[str, ...]) -> None:
    """Keys are numbers of any size, or texts. An UPDATE that changes the key names two rows."""
    change = change_of(payload)
    assert change == Change("public.articles", keys)
    assert {type(key) for key in change.keys or ()} == {str}
    assert "private" not in repr(change)


@pytest.mark.parametrize(
    ("members", "relation"),
    [({"table": "users"}, "public.users"), ({"schema": "private"}, "private.articles")],
)
def test_of_a_table_that_is_not_declared_any_row_may_have_changed(
    members: dict[str, object], relation: str
) -> None:
    """Its rows are ignored. But answers may depend on it, because a view may read it."""
    assert change_of(body(**members)) == Change(relation, None)


def test_a_large_payload_is_read() -> None:
    """It may have 10 MiB. Only the keys are kept."""
    payload = body(record={"id": 1, "title": "x" * (MAX_BYTES - 200)})
    assert 10 * 1024 * 1024 - 200 < len(payload) < MAX_BYTES == 10 * 1024 * 1024
    assert change_of(payload).keys == ("1",)


def test_the_key_column_is_the_tables() -> None:
    """A table may have another key than `id`."""
    table = Table("products", key="sku")
    change = change_of(body(table="products", type="INSERT", record={"sku": "x"}), (table,))
    assert change == Change("public.products", ("x",))


def test_a_webhook_names_the_table_as_postgres_does() -> None:
    """The name in the declaration does not matter."""
    posts = Table("posts", own_name="Blog Posts", schema="crm")
    told = {"type": "INSERT", "schema": "crm"}
    change = change_of(body(table="Blog Posts", **told), (posts,))
    assert change == Change("crm.Blog%20Posts", ("1",))
    assert change_of(body(table="posts", **told), (posts,)) == Change("crm.posts", None)


@pytest.mark.parametrize(
    "members",
    [
        {"type": "TRUNCATE"},
        {"type": "TRUNCATE", "record": None, "old_record": None},
        {"type": "INSERT", "record": None},
        {"record": None, "old_record": None},
        {"record": []},
        {"record": {"id": None}},
        {"record": {"id": True}},
        {"record": {"id": {}}},
        {"record": {"id": "\ud800"}},
        {"old_record": {}},
        {"type": "DELETE", "old_record": {"title": "private"}},
    ],
)
def test_a_webhook_that_does_not_name_every_row_is_a_change_of_all_rows(
    members: dict[str, object],
) -> None:
    """Examples are a TRUNCATE, a statement's webhook, or a key that is missing or invalid.

    If in doubt, we refresh too much.
    """
    assert change_of(body(**members)) == Change("public.articles", None)


@pytest.mark.parametrize("member", ["type", "table", "schema"])
@pytest.mark.parametrize("value", [None, 1, 1.5, True, ["UPDATE"], {}])
def test_what_happened_is_told_in_texts(member: str, value: object) -> None:
    """A number is not accepted, though a key may be one."""
    with pytest.raises(BadPayload, match='It needs "type", "table" and "schema", each a text'):
        change_of(body(**{member: value}))


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (b"", "It is not JSON, or nested too deeply."),
        (b"{", "It is not JSON, or nested too deeply."),
        (b"[" * 2_000_000, "It is not JSON, or nested too deeply."),
        (b"1", "It is not a JSON object."),
        (b"[]", "It is not a JSON object."),
        (body(type="insert"), 'Its "type" should be one of INSERT, UPDATE, DELETE, TRUNCATE.'),
    ],
)
def test_the_sender_is_told_what_is_wrong(payload: bytes, detail: str) -> None:
    """The error does not repeat what is in the row."""
    with pytest.raises(BadPayload) as caught:
        change_of(payload)
    assert caught.value.detail == detail


@pytest.mark.parametrize("key", [1.5, "0.3", "1e+21", "1E5", AT, "2026-01-01 00:00:00+00"])
def test_a_key_that_the_writers_session_spells_names_no_row(key: object) -> None:
    """Readers may know the row by another spelling."""
    assert change_of(body(record={"id": key}, old_record={"id": key})).keys is None
