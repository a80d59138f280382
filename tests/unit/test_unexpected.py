"""Errors that nobody expected."""

from __future__ import annotations

import pytest

from edge_cache.errors import EdgeCacheError, NotFound
from edge_cache.times import rfc3339
from edge_cache.unexpected import reported


def test_the_log_names_class_and_place_and_nothing_else() -> None:
    """The place is in this package, not in a library. The message may contain a key or a row."""
    lines: list[dict[str, object]] = []
    with (
        pytest.raises(EdgeCacheError) as caught,
        reported(lambda event, /, **fields: lines.append({"event": event, **fields})),
    ):
        rfc3339(10**30)
    (line,) = lines
    assert (line["event"], line["exception"]) == ("internal_error", "OverflowError")
    assert str(line["place"]).startswith("times.py:")
    assert "private" not in f"{line}{caught.value.document()}"


def test_errors_of_this_package_pass() -> None:
    """They say themselves what is wrong."""
    with pytest.raises(NotFound), reported(lambda *_, **__: None):
        raise NotFound("No such row.")
