"""What a JSON text says about rows."""

from __future__ import annotations

import json

import pytest

from edge_cache.supabase.parsing import MAX_DEPTH
from edge_cache.supabase.rows import is_plausible, row_digest, row_digests, row_ids


@pytest.mark.parametrize(
    ("body", "row", "plausible"),
    [
        (b"[]", False, True),
        (b'[{"id":1}]', False, True),
        (b'{"id":1}', True, True),
        (b"null", False, False),
        (b"null", True, False),
        (json.dumps({"message": "error"}).encode(), False, False),
        (b"[1,", False, False),
        (b"\xff", False, False),
    ],
)
def test_an_entry_without_metadata_must_look_like_one(
    body: bytes, row: bool, plausible: bool
) -> None:
    """The lesson's Worker cached `null` and errors; those count as absent."""
    assert is_plausible(body, row=row) is plausible


def test_the_rows_of_a_table_by_their_ids() -> None:
    """Ids are texts, written as in the answer. If a row has no such id, nobody can ask for it."""
    table = b'[{"id":7},{"id":1.50},{"id":"a/b"},{"id":null},{"id":true},{"id":{}},{"other":1}]'
    assert row_ids(table, "id") == {"7", "1.50", "a/b"}
    assert row_digests(table, "id") == {
        "7": row_digest(b'{"id": 7}'),
        "1.50": row_digest(b'{"id": 1.50}'),
        "a/b": row_digest(b'{"id": "a/b"}'),
    }
    assert {type(row_id) for row_id in row_digests(table, "id")} == {str}
    assert row_ids(b'[{"sku":"x"}]', "sku") == {"x"}


@pytest.mark.parametrize("body", [b'{"id":1}', b"null", b'"["'])
def test_what_is_no_array_is_no_table(body: bytes) -> None:
    """Callers check this before, so it should not happen."""
    with pytest.raises(TypeError, match="array"):
        row_ids(body, "id")


def test_a_digest_tells_rows_apart_and_not_spellings() -> None:
    """So a row of the table's answer can be compared with a row that was read alone."""
    first = row_digest(b'{"id":1,"t":"\xc3\xa4"}')
    assert first == row_digest(b'{ "t": "\\u00e4",\n "id": 1 }')
    assert first != row_digest(b'{"id":1,"t":"a"}')
    assert first != row_digest(b'{"id":1,"t":"\xc3\xa4","u":null}')
    assert first != row_digest(b'{"id":"1","t":"\xc3\xa4"}')
    assert len(first) == 16


def test_a_digest_tells_a_number_from_a_text() -> None:
    """It does so deep inside a JSON column, too. `1` also differs from `1.0`."""
    digests = {row_digest(b'{"a":[%s]}' % value) for value in (b"1", b'"1"', b"1.0", b"true")}
    assert len(digests) == 4


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_the_deepest_row_that_is_read_has_a_digest_too(opening: bytes, closing: bytes) -> None:
    """An editor may put anything into a jsonb column."""
    depth = MAX_DEPTH - 2
    table = b'[{"id":1,"deep":%s1%s}]' % (opening * depth, closing * depth)
    assert is_plausible(table, row=False)
    assert row_digests(table, "id").keys() == {"1"}
