"""Hands over to the ledger how often a target itself asked Supabase."""

from __future__ import annotations

import asyncio

from edge_cache import wire
from edge_cache.errors import EdgeCacheError
from edge_cache.refresher.parts import Outside
from edge_cache.traffic import Counted, Counts, Outcome, Sum, counts_text


class OwnReads:
    """A target's own requests to Supabase. What cannot be handed over is lost."""

    def __init__(self, name: str, outside: Outside) -> None:
        self._name = name
        self._asking = outside.asking
        self._call = outside.call
        self._log = outside.log
        self._handing: set[asyncio.Task[None]] = set()

    def hand_over(self) -> None:
        """Begin to hand over what was counted."""
        if counted := self._asking.taken():
            handing = asyncio.ensure_future(self._hand_over(counted))
            self._handing.add(handing)  # asyncio itself keeps only a weak reference
            handing.add_done_callback(self._handing.discard)

    async def _hand_over(self, counted: Sum) -> None:
        counts = Counts(own_sums(self._name, counted), {})
        try:
            await wire.ask(self._call, wire.LEDGER, wire.COUNT, body=counts_text(counts))
        except EdgeCacheError as error:
            self._log("count_failed", type=error.slug, detail=error.detail)


def own_sums(name: str, counted: Sum) -> dict[Counted, Sum]:
    """Return what the object with this name asked of Supabase as sums."""
    return {Counted(name, Outcome.ASKED): counted}
