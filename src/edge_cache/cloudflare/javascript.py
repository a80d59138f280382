"""JavaScript's functions that nearly every answer needs, each looked up once.

``js.JSON.parse`` is two crossings before the call. Nothing is looked up on import: a snapshot of
the Worker could not hold it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import js


class _Functions:
    """Looks up a function when it is first wanted."""

    @cached_property
    def parse(self) -> Any:
        """Return what makes a JavaScript value of a JSON text."""
        return js.JSON.parse

    @cached_property
    def stringify(self) -> Any:
        """Return what makes a JSON text of a JavaScript value."""
        return js.JSON.stringify

    @cached_property
    def response(self) -> Any:
        """Return what makes a response."""
        return js.Response.new

    @cached_property
    def log(self) -> Any:
        """Return what writes a line."""
        return js.console.log


JS = _Functions()
