"""Requests that the cache does not answer are passed on to Supabase, or refused."""

from __future__ import annotations

from edge_cache.config import PassThrough, Settings
from edge_cache.errors import NotPassedOn
from edge_cache.messages import Passed, Request, cache_status
from edge_cache.ports import Log, NowMs, PassOn
from edge_cache.reasons import Reason
from edge_cache.tables import PUBLIC
from edge_cache.traffic import OTHERS, Outcome
from edge_cache.worker import supabase_paths
from edge_cache.worker.counting import Counting

_READS = frozenset({"GET", "HEAD"})


class Passing:
    """Passes requests on, and says why.

    A request keeps the reader's credentials. It gets none of the Worker's.
    """

    def __init__(
        self,
        pass_on: PassOn,
        settings: Settings,
        counting: Counting,
        now_ms: NowMs,
        log: Log,
    ) -> None:
        self._pass_on = pass_on
        self._declared = settings.declared
        self._counting = counting
        self._now_ms = now_ms
        self._supabase_url = settings.supabase_url
        self._mode = settings.pass_through
        self._log = log

    @property
    def has_services(self) -> bool:
        """Whether requests to Supabase's other services than its REST API are passed on."""
        return self._mode == PassThrough.ALL

    @property
    def passes_rest(self) -> bool:
        """Whether requests to the REST API are passed on if the cache does not answer them."""
        return self._mode != PassThrough.OFF

    async def pass_on(self, request: Request, why: Reason) -> Passed:
        """Pass a request on. ``why`` is why the cache does not answer it.

        Raises NotPassedOn and UpstreamUnreachable.
        """
        method = request.method
        reason = Reason.METHOD if why == Reason.SERVICE and method not in _READS else why
        if self._mode == PassThrough.OFF:
            raise NotPassedOn(
                f'The cache does not answer this {method}, and with PASS_THROUGH = "off" nothing '
                "is passed on to Supabase."
            )

        def told(status: int) -> str:
            arrived = f"fwd-status={status}"
            if reason == Reason.METHOD:
                return cache_status("fwd=method", arrived)
            return cache_status("fwd=bypass", arrived, f"detail={reason}")

        url = self._supabase_url + request.url.target
        began_ms = self._now_ms()
        passed = await self._pass_on(request.native, url, told)
        took_ms = self._now_ms() - began_ms
        name = self._name_of(request.url.route)
        self._counting.count(name, Outcome.PASSED, detail=reason, ms=took_ms)
        self._log(
            "bypass",
            path=supabase_paths.logged(request.url.route),
            method=method,
            reason=reason,
            status=passed.status,
        )
        return passed

    def _name_of(self, route: str) -> str:
        """Return the name of the declared target that a path names, in the schema ``public``."""
        target = self._declared.target_of(route.removeprefix(f"{supabase_paths.REST}/"), PUBLIC)
        return target.name if target else OTHERS
