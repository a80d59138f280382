"""What is read from a Database Webhook's payload."""

from __future__ import annotations

import json

import pytest

from edge_cache.errors import BadPayload
from edge_cache.resources import Change
from edge_cache.supabase.webhook import MAX_BYTES, change_in
from edge_cache.tables import DEFAULT, Table


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


@pytest.mark.parametrize(
    ("payload", "ids"),
    [
        (body(), ("1",)),
        (body(record={"id": 2}), ("2", "1")),
        (body(type="INSERT", old_record=None), ("1",)),
        (body(type="DELETE", record=None, old_record={"id": "a/b"}), ("a/b",)),
        (body(record={"id": 2**70}, old_record={"id": 2**70}), (str(2**70),)),
    ],
)
def test_the_ids_of_the_rows_that_changed(payload: bytes, ids: tuple[str, ...]) -> None:
    """They are numbers of any size, or texts. An UPDATE that changes the id names two rows."""
    change = change_in(payload, DEFAULT.tables)
    assert change.row_ids == ids
    assert "private" not in repr(change)


def test_an_id_too_long_to_be_served_changes_the_table_only() -> None:
    """No reader can have an entry of that row."""
    change = change_in(body(record={"id": "x" * 20_000}), DEFAULT.tables)
    assert change.row_ids == ("1",)


@pytest.mark.parametrize("members", [{"table": "users"}, {"schema": "private"}])
def test_of_other_tables_only_the_kind_is_told(members: dict[str, object]) -> None:
    """Their rows are ignored. An answer that depends on the project may read these tables."""
    assert change_in(body(**members, record=None), DEFAULT.tables) == Change(None, "UPDATE")


def test_a_large_payload_is_read() -> None:
    """It may have 10 MiB; only the ids are kept."""
    payload = body(record={"id": 1, "title": "x" * (MAX_BYTES - 200)})
    assert 10 * 1024 * 1024 - 200 < len(payload) < MAX_BYTES == 10 * 1024 * 1024
    change = change_in(payload, DEFAULT.tables)
    assert change.row_ids == ("1",)


def test_the_key_column_is_the_tables() -> None:
    """A table may have another key than `id`."""
    table = Table("products", key="sku")
    change = change_in(body(table="products", type="INSERT", record={"sku": "x"}), (table,))
    assert change.row_ids == ("x",)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"1",
        b"[" * 2_000_000,
    ],
)
def test_what_is_no_object_is_refused(payload: bytes) -> None:
    """It is an error; nothing is guessed."""
    with pytest.raises(BadPayload):
        change_in(payload, DEFAULT.tables)


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
def test_what_names_not_every_row_is_a_change_of_all_rows(members: dict[str, object]) -> None:
    """Examples are a TRUNCATE, a statement's webhook, or a key that is missing or invalid.

    If in doubt, we refresh too much.
    """
    change = change_in(body(**members), DEFAULT.tables)
    assert change == Change(DEFAULT.tables[0], str(members.get("type", "UPDATE")), None)


def test_a_webhook_names_the_table_as_postgres_does() -> None:
    """The name in the declaration does not matter."""
    posts = Table("posts", own_name="Blog Posts", schema="crm")
    told = {"type": "INSERT", "schema": "crm"}
    assert change_in(body(table="Blog Posts", **told), (posts,)).table == posts
    assert change_in(body(table="posts", **told), (posts,)).table is None
    notified = body(table="Blog Posts", keys=[1], **told)
    assert change_in(notified, (posts,)) == Change(posts, "INSERT", ("1",))


@pytest.mark.parametrize("member", ["type", "table", "schema"])
@pytest.mark.parametrize("value", [None, 1, 1.5, True, ["UPDATE"], {}])
def test_what_happened_is_told_in_texts(member: str, value: object) -> None:
    """A number is not accepted, though an id may be one."""
    with pytest.raises(BadPayload, match='It needs "type", "table" and "schema", each a text'):
        change_in(body(**{member: value}), DEFAULT.tables)


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (b"{", "It is not JSON, or nested too deeply."),
        (b"[]", "It is not a JSON object."),
        (body(type="insert"), 'Its "type" should be one of INSERT, UPDATE, DELETE, TRUNCATE.'),
    ],
)
def test_the_sender_is_told_what_is_wrong(payload: bytes, detail: str) -> None:
    """The error does not repeat what is in the row."""
    with pytest.raises(BadPayload) as caught:
        change_in(payload, DEFAULT.tables)
    assert caught.value.detail == detail


def test_the_change_tells_table_and_kind() -> None:
    """It also has the ids, always as texts."""
    change = change_in(body(type="INSERT", record={"id": 7}), DEFAULT.tables)
    assert (change.table, change.kind, change.row_ids) == (DEFAULT.tables[0], "INSERT", ("7",))
    assert [type(row_id) for row_id in change.row_ids or ()] == [str]
