"""What a JSON text says about rows."""

from __future__ import annotations

import json

import pytest

from edge_cache.supabase.rows import is_plausible


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
