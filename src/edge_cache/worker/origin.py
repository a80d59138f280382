"""The site whose page makes a browser send a request."""

from __future__ import annotations

from collections.abc import Callable

from edge_cache.errors import ForeignOrigin
from edge_cache.urls import Url

_OWN_SITE = frozenset({None, "none", "same-origin"})
"""Browsers send these for a site's own pages, or if a person began the request (``none``).
https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header"""


def require_own_origin(header: Callable[[str], str | None], url: Url) -> None:
    """Raise ForeignOrigin if a browser sends the request for a page of another site.

    A browser lets any page send a GET or a POST to this machine. If there is no secret, nothing
    else stops that.
    """
    origin = header("origin")
    is_own = origin is None or origin.partition("://")[2] == url.netloc
    if not is_own or header("sec-fetch-site") not in _OWN_SITE:
        raise ForeignOrigin(
            "While REVALIDATE_SECRET is not set, a browser may revalidate for the Worker's own "
            "page only. Set it, and send it as `Authorization: Bearer …`."
        )
