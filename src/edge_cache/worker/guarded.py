"""The routes of who has the secret: `/revalidate`, and those of `operators`.

A poke needs no secret, because it says nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from edge_cache import messages
from edge_cache.config import Settings
from edge_cache.errors import PayloadTooLarge, SecretNotConfigured, Unauthorized
from edge_cache.messages import Answer, Request
from edge_cache.ports import Log, Purge, Refreshing
from edge_cache.supabase.changed_rows import table_of
from edge_cache.supabase.webhook import MAX_BYTES, change_in, payload_in
from edge_cache.worker.auth import is_open, require_secret
from edge_cache.worker.operators import Operators
from edge_cache.worker.origin import require_own_origin

REVALIDATE_PATH = "/revalidate"
_REVALIDATE_METHODS = "GET, POST, OPTIONS"

MAX_POKE_BYTES = 16

_POKES = frozenset({b"", b"{}"})
"""The bodies of a poke. It has no content, and only says that the database has changed."""


class Guarded:
    """Answers at these routes. Every one of them raises EdgeCacheError."""

    def __init__(
        self,
        settings: Settings,
        refresher: Refreshing,
        operators: Operators,
        *,
        purge: Purge,
        log: Log,
    ) -> None:
        self._settings = settings
        self._refresher = refresher
        self._operators = operators
        self._purge = purge
        self._log = log

    def route_of(self, request: Request) -> Callable[[], Awaitable[Answer]] | None:
        """Return what answers a request, or None if its path is none of these routes."""
        if request.url.route == REVALIDATE_PATH:
            return partial(self._revalidate, request)
        route = self._operators.route_of(request)
        return partial(self._asked, request, *route) if route else None

    async def _asked(
        self, request: Request, methods: str, answer: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        if preflight := messages.preflight(request, methods):
            return preflight
        self._require_secret(request)
        return await answer()

    async def _revalidate(self, request: Request) -> Answer:
        if preflight := messages.preflight(request, _REVALIDATE_METHODS):
            return preflight
        if request.method == "POST":
            self._require_own_origin(request)
            return await self._take(request)
        self._require_secret(request)
        return await self._revalidate_all()

    async def _revalidate_all(self) -> Answer:
        """Revalidate everything at once. If one table fails, the others are still revalidated."""
        try:
            await self._refresher.revalidate()
        finally:
            if self._settings.shared_max_age_s is not None and not await self._purge():
                self._log("purge_failed")
        self._log("revalidated", tables=[table.name for table in self._settings.declared.tables])
        return messages.json_answer({"received": True})

    async def _take(self, request: Request) -> Answer:
        """Take a poke, for which nobody needs a secret, or a webhook."""
        refused = self._refusal(request)
        if refused and refused.token_was_sent:
            raise refused
        body = await request.body(MAX_POKE_BYTES if refused else MAX_BYTES)
        if body is not None and body.strip() in _POKES:
            await self._refresher.poke()
        elif refused:
            raise refused
        elif body is None:
            raise PayloadTooLarge(f"A payload may have at most {MAX_BYTES} bytes.")
        else:
            await self._take_webhook(payload_in(body))
        return messages.json_answer({"received": True})

    def _refusal(self, request: Request) -> Unauthorized | None:
        """Return why a request is refused if it is no poke. Raises SecretNotConfigured."""
        try:
            secrets, url = self._settings.secrets, request.url
            require_secret(secrets, request.header("authorization"), url)
        except Unauthorized as error:
            return error
        return None

    async def _take_webhook(self, payload: dict[str, object]) -> None:
        if "keys" in payload:  # release 0.2.0's triggers sent this, and the outbox has it too
            await self._refresher.poke()
            return
        tables = self._settings.declared.tables
        await self._refresher.record([change_in(payload, tables)])
        table = table_of(str(payload["table"]), str(payload["schema"]), tables)
        self._log("received", table=table.name if table else "another", type=payload["type"])

    def needs(self, request: Request) -> str:
        """Return what `/revalidate` needs at this address: try it without a secret."""
        try:
            require_secret(self._settings.secrets, None, request.url)
        except (Unauthorized, SecretNotConfigured) as refused:
            return "secret" if isinstance(refused, Unauthorized) else "closed"
        return "open"

    def _require_secret(self, request: Request) -> None:
        """Raise Unauthorized or SecretNotConfigured unless a request may do this."""
        self._require_own_origin(request)
        require_secret(self._settings.secrets, request.header("authorization"), request.url)

    def _require_own_origin(self, request: Request) -> None:
        """If nobody needs a secret, refuse requests that pages of other sites send."""
        if is_open(self._settings.secrets, request.url):
            require_own_origin(request.header, request.url)
