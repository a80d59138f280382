"""Errors that nobody expected. The log says where they happened, and clients learn nothing more."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from edge_cache.errors import EdgeCacheError
from edge_cache.ports import Log


@contextmanager
def reported(log: Log) -> Iterator[None]:
    """Turn an exception that is not of this package into an `EdgeCacheError`.

    The log gets its class and place, but not its message, because that may quote a key or a row.
    """
    try:
        yield
    except EdgeCacheError:
        raise
    except Exception as error:
        log("internal_error", exception=type(error).__name__, place=_place(error))
        raise EdgeCacheError("An unexpected error; the Worker's log names its place.") from error


def _place(error: Exception) -> str:
    """Return the innermost line of this package that the exception passed."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "edge_cache" in frame.filename]
    frame = (own or frames)[-1]
    return f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
