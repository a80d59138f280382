"""The outcome of the target's reads, kept in the object's storage."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from edge_cache.errors import EdgeCacheError, UpstreamError, UpstreamUnreachable
from edge_cache.pauses import OVER, Pause
from edge_cache.ports import NowMs, Storage
from edge_cache.refresher.stored import Stored, restored

_KEY = "record"
_DETAIL_KEY = "record_detail"
"""Release 0.1.0 did not know it (see `edge_cache.refresher.stored`)."""
_REFUSED_KEY = "record_refused"
"""Release 0.2.0 did not know it."""

_YES, _NO = "yes", "no"

PAUSE_MS = 5_000
"""After a failure, readers that have an outdated entry do not make us ask Supabase for so long."""

_MAX_FAILING = 1000

_NONE = OVER, 0
"""No failure: a pause that is over, and a version."""

_DOWN = frozenset({429, 502, 503, 504})
"""With these statuses a server, or a gateway in front of it, says that it can serve nothing now."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of reads. Times are Unix times in milliseconds, 0 means never.

    ``failures`` is the number of failures in a row. ``error`` is the type of the last one, and
    ``detail`` describes it in a sentence, if that is known.
    """

    refreshed_at_ms: int = 0
    failures: int = 0
    failed_at_ms: int = 0
    error: str = ""
    detail: str = ""


class Record:
    """Notes the outcome of each read.

    ``is_refused`` is whether PostgREST refused the table at its last read.
    """

    def __init__(self, storage: Storage, now_ms: NowMs) -> None:
        self._storage = storage
        self._now_ms = now_ms
        self._down = _NONE
        self._failing: dict[str, tuple[Pause, int]] = {}
        outcome = restored(storage.get(_KEY), _outcome_in)
        detail = storage.get(_DETAIL_KEY) or ""
        self.outcome = replace(outcome, detail=detail) if outcome else Outcome()
        self.is_refused = storage.get(_REFUSED_KEY) == _YES

    def failed_just_now(self, key: str, needed: int) -> bool:
        """Return whether a read of this key failed a moment ago, or Supabase as a whole was down.

        Only reads that began at that version or later count, because an older read says nothing of
        the change that is needed now. A failure of another key counts only if Supabase could not be
        reached, or said that it cannot serve. For example, a long table may change during each
        read, or a policy may fail for one row: the other entries must still be refreshed.
        """
        return self.is_down(needed) or self._holds(self._failing.get(key, _NONE), needed)

    def is_down(self, needed: int) -> bool:
        """Return whether Supabase was down a moment ago, for a read at that version or later."""
        return self._holds(self._down, needed)

    def _holds(self, failure: tuple[Pause, int], needed: int) -> bool:
        pause, version = failure
        return version >= needed and not pause.is_over(self._now_ms())

    def failed(self, key: str, version: int, error: EdgeCacheError) -> None:
        """Note that a read failed that began at this version."""
        now_ms = self._now_ms()
        failure = Pause(now_ms, PAUSE_MS), version
        if _is_down(error):
            self._down = failure
        self._failing[key] = failure
        if len(self._failing) > _MAX_FAILING:
            del self._failing[next(iter(self._failing))]
        failures = self.outcome.failures + 1
        self._note(
            replace(
                self.outcome,
                failures=failures,
                failed_at_ms=now_ms,
                error=error.slug,
                detail=error.detail,
            )
        )

    def answered(self, key: str) -> None:
        """Note that Supabase answered."""
        self._down = _NONE
        self._failing.pop(key, None)
        if self.outcome.failures:
            self._note(replace(self.outcome, failures=0))

    def refused(self, error: EdgeCacheError) -> None:
        """Note why PostgREST refuses the table. That does not count as a failure of Supabase."""
        self._note_refused(is_refused=True)
        now_ms, slug, detail = self._now_ms(), error.slug, error.detail
        self._note(replace(self.outcome, failed_at_ms=now_ms, error=slug, detail=detail))

    def read_whole(self) -> None:
        """Note that the table was read."""
        self._note_refused(is_refused=False)

    def _note_refused(self, *, is_refused: bool) -> None:
        if is_refused != self.is_refused:
            self.is_refused = is_refused
            self._storage.put(_REFUSED_KEY, _YES if is_refused else _NO)

    def refreshed(self, at_ms: int) -> None:
        """Note that the table's entry was written. Its read began at ``at_ms``."""
        self._note(replace(self.outcome, refreshed_at_ms=at_ms))

    def _note(self, outcome: Outcome) -> None:
        if outcome == self.outcome:
            return
        members = asdict(outcome)
        detail = members.pop("detail")
        if detail != self.outcome.detail:
            self._storage.put(_DETAIL_KEY, detail)
        self._storage.put(_KEY, json.dumps(members))
        self.outcome = outcome


def _outcome_in(told: Stored) -> Outcome:
    """Return what was stored. If that is lost, only `/health` shows less."""
    return Outcome(
        told.get("refreshed_at_ms", int, 0),
        told.get("failures", int, 0),
        told.get("failed_at_ms", int, 0),
        told.get("error", str, ""),
    )


def _is_down(error: EdgeCacheError) -> bool:
    """Return whether a failure means that Supabase as a whole is down."""
    if isinstance(error, UpstreamUnreachable):
        return True
    return isinstance(error, UpstreamError) and error.supabase_status in _DOWN
