"""JavaScript's functions that nearly every answer needs. Each is looked up once.

``js.JSON.parse`` costs two look-ups in JavaScript before the call. Nothing is looked up on import,
because a snapshot of the Worker cannot have it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import js


class _Functions:
    """Looks up a function when it is first needed."""

    @cached_property
    def parse(self) -> Any:
        """Return the function that makes a JavaScript value of a JSON text."""
        return js.JSON.parse

    @cached_property
    def stringify(self) -> Any:
        """Return the function that makes a JSON text of a JavaScript value."""
        return js.JSON.stringify

    @cached_property
    def response(self) -> Any:
        """Return the function that makes a response."""
        return js.Response.new

    @cached_property
    def log(self) -> Any:
        """Return the function that writes a line to the log."""
        return js.console.log


JS = _Functions()
