"""What an object keeps in its storage. Another release of this code may have written it.

An object outlives deploys and rollbacks, so it may find what a later or an earlier release stored.
A member that this release does not know is ignored. If a text is no JSON, or has a member of
another type, it counts as not stored. The code that keeps a text says what that means.

Releases 0.1.0 and 0.2.0 do not accept members that they do not know. Because a rollback may bring
them back, new members are stored under keys of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class Stored:
    """The members of a JSON object by their names, or of a list by their positions."""

    def __init__(self, value: object) -> None:
        members = dict(enumerate(value)) if isinstance(value, list) else value
        if not isinstance(members, dict):
            raise TypeError("neither an object nor a list")
        self._members: Mapping[Any, Any] = members

    def get(self, name: str | int, kind: type[T], default: T | None = None) -> T:
        """Return a member, or the default if the member is missing or null.

        Raises TypeError if it has another type, or if it is missing and there is no default.
        """
        value: T | None = self._members.get(name)
        if value is None:
            value = default
        if value is None or type(value) is not kind:  # for isinstance, a bool is an int
            raise TypeError(f"{name} is no {kind.__name__}")
        return value

    def each(self, kind: type[T]) -> dict[Any, T]:
        """Return all members. Raises TypeError if one has another type."""
        return {name: self.get(name, kind) for name in self._members}


def restored(text: str | None, value_of: Callable[[Stored], T]) -> T | None:
    """Return the value of a stored text, or None if this release cannot read it."""
    try:
        return value_of(Stored(json.loads(text or "null")))
    except (ValueError, TypeError):
        return None
