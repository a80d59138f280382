"""The arguments of a call are spelled in one way, as far as that changes nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_cache.worker.arguments import arguments_in

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        ("{}", "{}"),
        (' {\n"b" : 1.0 ,\t"a":{"z": 1,  "y":[1, 2]} } ', '{"a":{"z": 1,  "y":[1, 2]},"b":1.0}'),
        ('{"a":1e2,"b":100,"c":"\\u00e9","d":"é"}', '{"a":1e2,"b":100,"c":"\\u00e9","d":"é"}'),
        ('{"\\u0061":"}"}', '{"a":"}"}'),
        ('{"\\ud800":"\\ud800"}', '{"\\ud800":"\\ud800"}'),
    ],
)
def test_members_are_sorted_and_values_stay_as_they_came(body: str, arguments: str) -> None:
    assert arguments_in(body.encode()) == arguments


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b'"{}"',
        b'{"a":1',
        b'{"a":1}{}',
        b'{"a":1,}',
        b'{"a":NaN}',
        b'{"a":1,"a":2}',
        b'{"a":1,"\\u0061":1}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\xff"}',
        b'{"a":' + b"[" * 700 + b"]" * 700 + b"}",
    ],
)
def test_what_is_not_certain_are_no_arguments(body: bytes) -> None:
    """No JSON, or none that everybody reads in the same way."""
    assert arguments_in(body) is None


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4), st.randoms(), st.booleans())
def test_the_order_of_members_does_not_matter(
    members: dict[str, object], random: object, is_ascii: bool
) -> None:
    """What a function gets is what the client sent."""
    shuffled = list(members.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    spelled = [json.dumps(dict(one), ensure_ascii=is_ascii) for one in (members.items(), shuffled)]
    first, second = (arguments_in(text.encode("utf-8", "surrogatepass")) for text in spelled)
    assert first == second
    assert first is None or json.loads(first) == members
