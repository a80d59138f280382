"""Which bodies are the arguments of a call."""

from __future__ import annotations

import pytest

from edge_cache.worker.arguments import arguments_in


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        ' {\n"b" : 1.0 ,\t"a":{"z": 1,  "y":[1, 2]} } ',
        '{"a":1e2,"b":100,"c":"\\u00e9","d":"é"}',
        '{"\\ud800":"\\ud800"}',
    ],
)
def test_they_stay_as_they_came(body: str) -> None:
    """A function can see how they are spelled."""
    assert arguments_in(body.encode()) == body


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
        b'{"a":{"b":1,"b":2}}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\xff"}',
        b'{"a":' + b"[" * 700 + b"]" * 700 + b"}",
    ],
)
def test_what_is_not_certain_are_no_arguments(body: bytes) -> None:
    """No JSON, or none that everybody reads in the same way."""
    assert arguments_in(body) is None
