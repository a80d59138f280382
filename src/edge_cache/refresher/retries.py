"""When something that failed may be tried again."""

from __future__ import annotations

import random
from collections.abc import Callable, Container
from dataclasses import dataclass

from edge_cache.pauses import Pause, backoff_ms

FIRST_RETRY_MS = 1_000
MAX_RETRY_MS = 10_000
"""If Supabase works again and nobody notices, a pending change waits at most this long."""


@dataclass(frozen=True, slots=True)
class _Failed:
    failures: int
    pause: Pause


class Retries:
    """Pauses by key. A pause grows with each failure in a row. A key that never failed has none.

    ``jitter`` returns a number from 0 to 1.
    """

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self._jitter = jitter
        self._failed: dict[str, _Failed] = {}

    def failed(self, key: str, began_ms: int) -> None:
        """Note that an attempt failed. The pause counts from ``began_ms``, when the attempt began.

        If the attempt waited ten seconds for an answer, that was pause enough.
        """
        failures = self._failed[key].failures if key in self._failed else 0
        length_ms = backoff_ms(FIRST_RETRY_MS, failures, self._jitter(), most_ms=MAX_RETRY_MS)
        pause = Pause(began_ms, length_ms)
        self._failed[key] = _Failed(failures + 1, pause)

    def succeeded(self, key: str) -> None:
        """Forget the failures of a key."""
        self._failed.pop(key, None)

    def keep(self, keys: Container[str]) -> None:
        """Forget the failures of all other keys."""
        self._failed = {key: failed for key, failed in self._failed.items() if key in keys}

    def remaining_ms(self, key: str, now_ms: int) -> int:
        """Return how much longer the key has to wait."""
        failed = self._failed.get(key)
        return failed.pause.remaining_ms(now_ms) if failed else 0

    def hurry(self) -> bool:
        """Shorten every pause to the first one's length. Return whether that changed anything."""
        slow = {
            key: _Failed(failed.failures, Pause(failed.pause.began_ms, FIRST_RETRY_MS))
            for key, failed in self._failed.items()
            if failed.pause.length_ms > FIRST_RETRY_MS
        }
        self._failed.update(slow)
        return bool(slow)
