"""A request's URL, cut once: what decides where a request goes reads these parts, and no others.

The runtime hands a URL over as it was sent. `fetch` folds dot segments and turns backslashes round
when it sends the URL on. A path that would mean something else then is not in its normal form, and
is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PARTS = re.compile(r"[^:/?#]*://([^/?#\\]*)([^#]*)(#?)", re.DOTALL)

_DOTS = r"(?:\.|%2[Ee]){1,2}"
_NORMAL = re.compile(rf"/|(?:/(?!{_DOTS}(?:/|\Z))[^/\\\x00-\x20\x7f]+)+/?", re.DOTALL)
"""Segments that are neither empty nor dots, however the dots are spelled (WHATWG URL, 4.2); a
slash may follow the last one."""


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of an absolute URL, spelled as they came.

    ``netloc`` is the host with its port. ``path`` begins with a slash, and ``query`` is what
    follows the question mark. ``target`` is both as they stand in a request line.
    """

    netloc: str
    path: str
    query: str
    target: str
    is_normal: bool

    @property
    def route(self) -> str:
        """The path without a slash at its end; ``/`` stays ``/``."""
        return self.path.rstrip("/") or "/"

    @property
    def host(self) -> str:
        """The host name in lower case, without a port."""
        name = self.netloc.rpartition("@")[2].lower()
        return name[1:].partition("]")[0] if name[:1] == "[" else name.partition(":")[0]


def cut(url: str) -> Url:
    """Return the parts of an absolute URL; of a text that is none, parts that are not normal."""
    match = _PARTS.match(url)
    netloc, target, fragment = match.groups() if match else ("", url, "#")
    path, _, query = target.partition("?")
    is_normal = not fragment and _NORMAL.fullmatch(path or "/") is not None
    return Url(netloc, path or "/", query, target if path else f"/{target}", is_normal)
