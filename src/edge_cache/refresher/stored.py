"""What an object keeps in its storage, read whichever version of this code has written it. Pure.

An object outlives deploys and rollbacks, and finds there what a later version or an earlier one
stored. So a member that is not known is ignored. A text that is no JSON, or has a member of another
type, counts as not stored; whoever keeps a text says what that means.

The other way round, versions 0.1.0 and 0.2.0 take no members but those that they know. While a
rollback may bring them back, what is new is stored under a key of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class Stored:
    """The members of a JSON object by their names, or of a list by their places."""

    def __init__(self, value: object) -> None:
        members = dict(enumerate(value)) if isinstance(value, list) else value
        if not isinstance(members, dict):
            raise TypeError("neither an object nor a list")
        self._members: Mapping[Any, Any] = members

    def get(self, name: str | int, kind: type[T], default: T | None = None) -> T:
        """Return a member; the default, if there is one, where it is missing or null.

        Raises TypeError if it is of another type, or missing without a default.
        """
        value: T | None = self._members.get(name)
        if value is None:
            value = default
        if value is None or type(value) is not kind:  # to isinstance, a bool is an int
            raise TypeError(f"{name} is no {kind.__name__}")
        return value

    def each(self, kind: type[T]) -> dict[Any, T]:
        """Return all members. Raises TypeError if one is of another type."""
        return {name: self.get(name, kind) for name in self._members}


def restored(text: str | None, value_of: Callable[[Stored], T]) -> T | None:
    """Return the value of a stored text, or None if it has none that this version can read."""
    try:
        return value_of(Stored(json.loads(text or "null")))
    except (ValueError, TypeError):
        return None
