"""A request's URL, cut into parts once. Only these parts decide where a request goes.

The runtime does not change the URL that the client sent. But `fetch` folds dot segments and turns
backslashes into slashes when it sends a URL on. If a path would mean something else after that, it
is not in its normal form, and we refuse it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_PARTS = re.compile(r"[^:/?#]*://([^/?#\\]*)([^#]*)(#?)", re.DOTALL)

_DOTS = r"(?:\.|%2[Ee]){1,2}"
_NORMAL = re.compile(rf"/|(?:/(?!{_DOTS}(?:/|\Z))[^/\\\x00-\x20\x7f]+)+/?", re.DOTALL)
"""Segments that are neither empty nor dots, in any spelling of the dots (WHATWG URL, 4.2). A slash
may follow the last one."""


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of an absolute URL, spelled as they came.

    ``netloc`` is the host with its port. ``path`` begins with a slash, and ``query`` is what
    follows the question mark. ``target`` is both, as in a request line.
    """

    netloc: str
    path: str
    query: str
    target: str
    is_normal: bool

    @property
    def route(self) -> str:
        """The path without a slash at its end. ``/`` stays ``/``."""
        return self.path.rstrip("/") or "/"

    @property
    def host(self) -> str:
        """The host name in lower case, without a port."""
        name = self.netloc.rpartition("@")[2].lower()
        return name[1:].partition("]")[0] if name[:1] == "[" else name.partition(":")[0]

    def below(self, prefix: str) -> Url | None:
        """Return the URL without the first segments of its path, or None if it has others.

        ``prefix`` begins with a slash and has none at its end. An empty one changes nothing.
        """
        if not prefix:
            return self
        if not f"{self.path}/".startswith(f"{prefix}/"):
            return None
        target = self.target.removeprefix(prefix)
        path = self.path.removeprefix(prefix) or "/"
        return replace(self, path=path, target=target if target[:1] == "/" else f"/{target}")


def cut(url: str) -> Url:
    """Return the parts of an absolute URL. If the text is no URL, they are not normal."""
    match = _PARTS.match(url)
    netloc, target, fragment = match.groups() if match else ("", url, "#")
    path, _, query = target.partition("?")
    is_normal = not fragment and _NORMAL.fullmatch(path or "/") is not None
    return Url(netloc, path or "/", query, target if path else f"/{target}", is_normal)
