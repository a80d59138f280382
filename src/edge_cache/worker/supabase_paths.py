"""Supabase's own paths, as its clients ask for them."""

from __future__ import annotations

REST = "/rest/v1"

SERVICES = ("/auth/v1", "/storage/v1", "/functions/v1", "/graphql/v1", "/realtime/v1")

_APIS = frozenset({REST, *SERVICES})


def api_of(path: str) -> str | None:
    """Return the API that a `Url.route` belongs to, such as ``/rest/v1``, or None."""
    api = "/".join(path.split("/")[:3])
    return api if api in _APIS else None


def logged(path: str) -> str:
    """Return the part of a path that a log may have.

    Of Supabase's paths, that is the API and, for REST, the table. The rest may name a user or a
    file.
    """
    api = api_of(path)
    return "/".join(path.split("/")[:4]) if api == REST else api or path
