"""A client of a real shared cache (Varnish), and what it sees."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from local import varnish

StartCache = Callable[..., varnish.SharedCache]
"""Starts a shared cache in front of a URL, with ``more`` VCL before the project's."""


def client_of(cache: varnish.SharedCache) -> httpx.Client:
    """Empty a shared cache and return a client of it."""
    cache.clear()
    return httpx.Client(base_url=cache.url, timeout=30)


def was_kept(response: httpx.Response) -> bool:
    """Return whether the shared cache had the answer: then it names the request that brought it."""
    return " " in response.headers.get("x-varnish", "")
