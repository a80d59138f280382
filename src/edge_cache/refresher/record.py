"""How the table's reads went, kept in the Durable Object's storage. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from edge_cache.pauses import Pause
from edge_cache.ports import NowMs, Storage

_KEY = "record"

PAUSE_MS = 5_000
"""After a failure, readers that have a stale entry do not have Supabase asked again for so long."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How reads went; times are Unix times in milliseconds, 0 is never.

    ``failures`` counts those in a row; ``error`` names the last one's type.
    """

    refreshed_at_ms: int = 0
    failures: int = 0
    failed_at_ms: int = 0
    error: str = ""


class Record:
    """Takes note of each read's outcome."""

    def __init__(self, storage: Storage, now_ms: NowMs) -> None:
        self._storage = storage
        self._now_ms = now_ms
        text = storage.get(_KEY)
        self.outcome = Outcome(**json.loads(text)) if text else Outcome()

    @property
    def failed_just_now(self) -> bool:
        """Whether Supabase failed a moment ago and has not answered since."""
        outcome = self.outcome
        if outcome.failures == 0:
            return False
        return not Pause(outcome.failed_at_ms, PAUSE_MS).is_over(self._now_ms())

    def failed(self, slug: str) -> None:
        """Note one more failure in a row."""
        failures = self.outcome.failures + 1
        self._note(
            replace(self.outcome, failures=failures, failed_at_ms=self._now_ms(), error=slug)
        )

    def answered(self) -> None:
        """Note that Supabase answered."""
        self._note(replace(self.outcome, failures=0))

    def refreshed(self, at_ms: int) -> None:
        """Note that the table's entry was written, as it was read then."""
        self._note(replace(self.outcome, refreshed_at_ms=at_ms))

    def _note(self, outcome: Outcome) -> None:
        if outcome != self.outcome:
            self.outcome = outcome
            self._storage.put(_KEY, json.dumps(asdict(outcome)))
