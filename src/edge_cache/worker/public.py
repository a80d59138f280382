"""Which requests below ``/rest/v1/`` the cache may answer.

It may if everybody gets the same answer. So the request must read something that is declared, have
the public key and nothing of a user, and be spelled in a way that has one meaning only. Everything
else is `PassedOn`.
"""

from __future__ import annotations

from collections import OrderedDict

from edge_cache.config import Settings
from edge_cache.messages import Request
from edge_cache.queries import ROOT
from edge_cache.reasons import PassedOn, Reason
from edge_cache.resources import Resource, resource_of
from edge_cache.tables import PUBLIC
from edge_cache.worker.canonical import Variant, query_in

_REMEMBERED = 1000
_MAX_REMEMBERED_CHARS = 2000
"""If a request's URL and headers are longer together, its decision is not remembered. So all that
is remembered takes some megabytes at most."""


class Public:
    """Decides for each request. It remembers what it decided for equal requests before."""

    def __init__(self, settings: Settings) -> None:
        self._key = settings.anon_key
        self._declared = settings.declared
        self._known: OrderedDict[tuple[str, str, Variant], Resource | PassedOn] = OrderedDict()

    def resource_of(self, request: Request) -> Resource | PassedOn:
        """Return what a GET or HEAD below ``/rest/v1/`` asks for."""
        header = request.header
        if header("apikey") != self._key:
            return PassedOn(Reason.KEY)
        if not self._is_anonymous(header("authorization")):
            return PassedOn(Reason.SESSION)
        if header("range") is not None:
            return PassedOn(Reason.RANGE)
        variant = Variant(header("accept"), header("accept-profile"), header("prefer"))
        if len(request.url.target) + variant.chars > _MAX_REMEMBERED_CHARS:
            return self._decide(request.method, request.url.target, variant)
        asked = (request.method, request.url.target, variant)
        known = self._known.get(asked)
        if known is None:
            known = self._known[asked] = self._decide(*asked)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return known

    def _is_anonymous(self, authorization: str | None) -> bool:
        if authorization is None:
            return True
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and token == self._key

    def _decide(self, method: str, asked: str, variant: Variant) -> Resource | PassedOn:
        path, _, raw = asked.partition("?")
        target = path.removeprefix(ROOT)
        if self._declared.target_of(target, variant.profile or PUBLIC) is None:
            return PassedOn(Reason.UNDECLARED)
        query = query_in(method, target, raw, variant)
        if isinstance(query, PassedOn):
            return query
        resource = resource_of(query, self._declared)
        return PassedOn(Reason.UNDECLARED) if resource is None else resource
