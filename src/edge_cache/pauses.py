"""Pauses on a clock that may jump. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that began at a Unix time and lasts so long, both in milliseconds.

    Nobody waits longer for it than it lasts, whatever happens to the clock: if that was set back to
    before the beginning, the pause is over.
    """

    began_ms: int
    length_ms: int

    def remaining_ms(self, now_ms: int) -> int:
        """Return what is left of it: 0 when it is over."""
        passed_ms = now_ms - self.began_ms
        return max(0, self.length_ms - passed_ms) if passed_ms >= 0 else 0

    def is_over(self, now_ms: int) -> bool:
        """Tell whether nothing of it is left."""
        return self.remaining_ms(now_ms) == 0


OVER = Pause(0, 0)
"""A pause that nobody has to wait for."""


def backoff_ms(first_ms: int, failures: int, jitter: float, *, most_ms: int = 2**31) -> int:
    """Return the pause in milliseconds after so many failures in a row before this one.

    It doubles with each failure, up to ``most_ms``. ``jitter`` from 0 to 1 spreads it between half
    and the whole of that, so that not everybody comes back at once.
    """
    bound_ms = min(most_ms, first_ms * 2 ** min(failures, 20))
    return int(bound_ms * (0.5 + jitter / 2))
