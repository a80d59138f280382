"""Which requests below ``/rest/v1/`` the cache may answer.

It may if everybody gets the same answer. So the request must read something that is declared, have
the public key, and be spelled in a way that has one meaning only. If it has a user's session, the
database must have proven that signed-in users get the same answer, which only the reader finds out.
Everything else is `PassedOn`.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass

from edge_cache.config import Settings
from edge_cache.messages import Request
from edge_cache.queries import ROOT
from edge_cache.reasons import PassedOn, Reason
from edge_cache.resources import Resource, resource_of
from edge_cache.tables import PUBLIC
from edge_cache.worker.arguments import MAX_BYTES, arguments_in
from edge_cache.worker.canonical import Variant, query_in
from edge_cache.worker.sessions import Sessions

_FUNCTION = "rpc/"
_JSON = re.compile(r"application/json(?: *; *charset=utf-8)?", re.IGNORECASE)

_REMEMBERED = 1000
_MAX_REMEMBERED_CHARS = 2000
"""If a request's URL and headers are longer together, its decision is not remembered. So all that
is remembered takes some megabytes at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, and whether somebody asks who is signed in."""

    resource: Resource
    has_session: bool = False


class Public:
    """Decides for each request. It remembers what it decided for equal requests before."""

    def __init__(self, settings: Settings, sessions: Sessions) -> None:
        self._key = settings.anon_key
        self._sessions = sessions
        self._declared = settings.declared
        self._known: OrderedDict[tuple[str, str, Variant], Resource | PassedOn] = OrderedDict()

    def asked_by(self, request: Request) -> Asked | PassedOn:
        """Return what a GET or HEAD below ``/rest/v1/`` asks for."""
        has_session = self._has_session(request)
        if isinstance(has_session, PassedOn):
            return has_session
        return _asked(self._resource_of(request), has_session=has_session)

    def _resource_of(self, request: Request) -> Resource | PassedOn:
        header = request.header
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

    async def called_by(self, request: Request) -> Asked | PassedOn:
        """Return what a POST below ``/rest/v1/`` asks for, if it calls a declared function.

        The request can still be passed on, because this reads a copy of its body. Raises
        BadPayload if the client hangs up before the end.
        """
        header = request.header
        target = request.url.route.removeprefix(ROOT)
        profile = header("content-profile")
        is_declared = self._declared.target_of(target, profile or PUBLIC) is not None
        if request.method != "POST" or not target.startswith(_FUNCTION) or not is_declared:
            return PassedOn(Reason.METHOD)
        has_session = self._has_session(request)
        if isinstance(has_session, PassedOn):
            return has_session
        arguments = await _arguments_of(request)
        if arguments is None:
            return PassedOn(Reason.BODY)
        variant = Variant(header("accept"), profile, header("prefer"))
        resource = self._decide("POST", request.url.target, variant, arguments)
        return _asked(resource, has_session=has_session)

    def _has_session(self, request: Request) -> bool | PassedOn:
        """Return whether a signed-in user asks. Or say why the cache may not answer this reader."""
        if request.header("apikey") != self._key:
            return PassedOn(Reason.KEY)
        if request.header("range") is not None:
            return PassedOn(Reason.RANGE)
        authorization = request.header("authorization")
        if authorization is None:
            return False
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return PassedOn(Reason.SESSION)
        if token == self._key:
            return False
        return True if self._sessions.accepts(token) else PassedOn(Reason.SESSION)

    def _decide(
        self, method: str, asked: str, variant: Variant, arguments: str = ""
    ) -> Resource | PassedOn:
        path, _, raw = asked.partition("?")
        target = path.removeprefix(ROOT)
        if self._declared.target_of(target, variant.profile or PUBLIC) is None:
            return PassedOn(Reason.UNDECLARED)
        query = query_in(method, target, raw, variant, arguments)
        if isinstance(query, PassedOn):
            return query
        resource = resource_of(query, self._declared)
        return PassedOn(Reason.UNDECLARED) if resource is None else resource


def _asked(resource: Resource | PassedOn, *, has_session: bool) -> Asked | PassedOn:
    return resource if isinstance(resource, PassedOn) else Asked(resource, has_session)


async def _arguments_of(request: Request) -> str | None:
    """Return the arguments in a copy of the body, or None if they are not certain."""
    is_json = _JSON.fullmatch(request.header("content-type") or "")
    if not is_json or request.header("content-encoding") is not None:
        return None
    copy = request.short_copy(MAX_BYTES)
    body = await copy(MAX_BYTES) if copy else None
    return None if body is None else arguments_in(body)
