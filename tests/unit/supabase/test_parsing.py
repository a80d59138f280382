"""Parsing JSON that comes from outside."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_cache.supabase.parsing import MAX_DEPTH, Number, loads

JSON = st.recursive(
    st.none() | st.booleans() | st.text() | st.text('[]{}"\\'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('[]{}"\\'), inner),
)

CERTAINLY_TOO_DEEP = 601


def nested(depth: int, inner: bytes, opening: bytes, closing: bytes) -> bytes:
    """Return JSON of this many levels, with ``inner`` in the deepest."""
    return opening * depth + inner + closing * depth


MANY: list[object] = [[]] * MAX_DEPTH
"""A value beside so many brackets that the parser checks the depth."""


@settings(deadline=None)
@given(JSON)
def test_every_value_is_read(value: object) -> None:
    """Brackets, quotes and backslashes inside strings do not matter."""
    values = [value, *MANY, value]
    assert loads(json.dumps(values).encode()) == values
    assert loads(json.dumps(values, ensure_ascii=False, indent=1).encode()) == values


@settings(deadline=None)
@given(JSON, st.sampled_from([(b"[", b"]"), (b'{"]":', b"}")]))
def test_the_deepest_that_is_read(value: object, brackets: tuple[bytes, bytes]) -> None:
    """We promise 500 levels, whatever stands before them. A fifth more is refused."""
    assert MAX_DEPTH == 500
    beside = b"[%s," % json.dumps([value, *MANY]).encode()
    loads(beside + nested(MAX_DEPTH - 1, b"1", *brackets) + b"]")
    with pytest.raises(ValueError, match="nested too deeply"):
        loads(beside + nested(CERTAINLY_TOO_DEEP - 1, b"1", *brackets) + b"]")


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_either_bracket_alone_counts(opening: bytes, closing: bytes) -> None:
    """The text is refused before it reaches a parser that could read 601 levels."""
    assert loads(nested(MAX_DEPTH, b"1", opening, closing))
    with pytest.raises(ValueError, match="nested too deeply") as caught:
        loads(nested(CERTAINLY_TOO_DEEP, b"1", opening, closing))
    assert caught.value.__cause__ is None


@settings(deadline=None)
@given(st.text('[]{}"\\,:1u \u00e9', min_size=1))
def test_what_is_no_json_hides_no_depth(garbage: str) -> None:
    """Such text is refused, or stands in a string."""
    body = garbage.encode() + b"[" * 100_000
    with pytest.raises(ValueError, match=r"."):
        loads(body)


@pytest.mark.parametrize("number", ["1", "-99", "999", "1000", "1.50", "-0", "1e400", "9" * 30])
def test_numbers_stay_as_they_are_written(number: str) -> None:
    """An id is compared as text, so a number must not be rounded."""
    value = loads(number.encode())
    assert value == number
    assert isinstance(value, Number)


def test_short_numbers_are_shared() -> None:
    """A megabyte of them must not need fifty megabytes of memory."""
    assert loads(b"[7,7,-99,999]") == ["7", "7", "-99", "999"]
    for number in (b"7", b"-99", b"999"):
        assert loads(number) is loads(number)


def test_a_text_is_no_number() -> None:
    """They differ even if they look alike."""
    assert loads(b'["7",7]') == ["7", Number("7")]
    assert [isinstance(value, Number) for value in loads(b'["7",7]')] == [False, True]  # type: ignore[attr-defined]


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_javascript_calls_a_number_is_no_json(constant: str) -> None:
    """Python's parser would accept it, but other parsers would not."""
    with pytest.raises(ValueError, match=f"{constant} is no JSON"):
        loads(f'{{"id":{constant}}}'.encode())


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'["]",' * 100_000,  # closing brackets in strings hide nothing
        b'["\\"]",' * 100_000,
        b'["\\\\",' * 100_000,
        b'[1,{"a":[],"b":' * 100_000,
        b"]" * 10 + b"[" * 100_000,
    ],
)
def test_what_is_nested_too_deeply_is_refused(text: bytes) -> None:
    """It is refused before a parser could overflow the stack."""
    with pytest.raises(ValueError, match="nested too deeply"):
        loads(text)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="one limit for Python and C until 3.11")
def test_a_parser_that_gives_up_earlier_is_no_surprise() -> None:
    """The caller gets the same error."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(450)
    try:
        with pytest.raises(ValueError, match="nested too deeply"):
            loads(nested(MAX_DEPTH, b"", b"[", b"]"))
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("text", ["[1]", "[" * 100_000])
def test_only_utf_8_is_read(text: str, encoding: str) -> None:
    """In another encoding, brackets would not be found at the right places."""
    with pytest.raises(ValueError, match=r"."):
        loads(text.encode(encoding))


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[1,", b"\xff", b'"\xed\xa0\x80"', b'{"a"}', b"1 2", b"'a'", b'"\n"']
)
def test_what_is_no_json_is_refused(text: bytes) -> None:
    """The error is the same."""
    with pytest.raises(ValueError, match=r"."):
        loads(text)


SIZE = 60_000
"""The test reads this many bytes, and eight times as many."""

ATTEMPTS = 10

WORST: dict[str, Callable[[int], bytes]] = {
    "deep, again and again": lambda n: b"[%s0]" % ((b"[" * 480 + b"]" * 480 + b",") * (n // 961)),
    "deep objects": lambda n: b"[%s0]" % ((nested(480, b"1", b'{"a":', b"}") + b",") * (n // 2882)),
    "brackets in turn": lambda n: b"[]" * (n // 2),
    "empty arrays": lambda n: b"[%s0]" % (b"[],{}," * (n // 6)),
    "quotes": lambda n: b"[]" * MAX_DEPTH + b'"' * n,
    "backslashes": lambda n: b"[]" * MAX_DEPTH + b"\\" * n,
    "backslashes in a string": lambda n: b'["[%s' % (b"[" * MAX_DEPTH) + b"\\" * n,
    "quotes in a string": lambda n: b'["[%s' % (b"[" * MAX_DEPTH) + b'\\"' * (n // 2),
    "short strings": lambda n: b"[%s0]" % (b'"[",' * (n // 4)),
    "short numbers": lambda n: b"[%s0]" % (b"1.5," * (n // 4)),
    "many keys": lambda n: b"{%s}" % b",".join(b'"%d":[]' % i for i in range(n // 9)),
}


def seconds(body: bytes, read: Callable[[bytes], object] = loads) -> float:
    """Return the processor time of the fastest of several reads."""
    spent = []
    gc.disable()  # it would search everything that the tests have in memory
    try:
        for _ in range(3):
            begun = time.process_time()
            with suppress(ValueError):
                read(body)
            spent.append(time.process_time() - begun)
    finally:
        gc.enable()
    return min(spent)


@pytest.mark.parametrize("worst", WORST.values(), ids=WORST.keys())
def test_eight_times_as_much_takes_about_eight_times_as_long(
    worst: Callable[[int], bytes],
) -> None:
    """The time must not grow with the square of the length, even for hostile texts.

    A busy machine makes some attempts slow. But with the square, each of them takes 64 times as
    long.
    """
    short, long = worst(SIZE), worst(8 * SIZE)
    assert any(seconds(long) < 24 * seconds(short) + 0.001 for _ in range(ATTEMPTS))


def test_looking_at_depth_costs_less_than_parsing() -> None:
    """The depth may change often."""
    body = WORST["deep, again and again"](8 * SIZE)
    assert any(seconds(body) < 4 * seconds(body, json.loads) + 0.001 for _ in range(ATTEMPTS))
