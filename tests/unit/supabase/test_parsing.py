"""JSON from outside."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_cache.supabase.parsing import MAX_DEPTH, loads

JSON = st.recursive(
    st.none() | st.booleans() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_every_value_is_read(value: object) -> None:
    """Brackets and quotes inside strings confuse nothing."""
    assert loads(json.dumps([value] * MAX_DEPTH).encode()) == [value] * MAX_DEPTH


@pytest.mark.parametrize("number", ["1", "1.50", "-0", "1e400", "123456789012345678901234567890"])
def test_numbers_stay_as_they_are_written(number: str) -> None:
    """An id is compared as text, and must not be rounded."""
    assert loads(number.encode()) == number


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'["]",' * 100_000,  # closing brackets in strings hide nothing
        b'["\\"]",' * 100_000,
        b"]" * 10 + b"[" * 100_000,
    ],
)
def test_what_is_nested_too_deeply_is_refused(text: bytes) -> None:
    """Before a parser could overflow the stack."""
    with pytest.raises(ValueError, match="nested too deeply"):
        loads(text)


@pytest.mark.parametrize("text", [b"", b"{", b"[1,", b"\xff", b'{"a"}'])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    """With the same error."""
    with pytest.raises(ValueError, match=r"."):
        loads(text)
