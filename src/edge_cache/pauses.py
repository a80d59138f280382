"""Pauses on a clock that may jump."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause: the Unix time when it began, and how long it lasts, both in milliseconds.

    Nobody waits longer than it lasts, even if the clock jumps. If the clock shows a time before the
    beginning, the pause is over.
    """

    began_ms: int
    length_ms: int

    def remaining_ms(self, now_ms: int) -> int:
        """Return how long it still lasts: 0 if it is over."""
        passed_ms = now_ms - self.began_ms
        return max(0, self.length_ms - passed_ms) if passed_ms >= 0 else 0

    def is_over(self, now_ms: int) -> bool:
        """Return whether it is over."""
        return self.remaining_ms(now_ms) == 0


OVER = Pause(0, 0)
"""A pause that is over already."""


def backoff_ms(first_ms: int, failures: int, jitter: float, *, most_ms: int = 2**31) -> int:
    """Return the pause in milliseconds after a failure.

    ``failures`` is the number of failures in a row before this one. The pause doubles with each, up
    to ``most_ms``. ``jitter`` from 0 to 1 puts it between half of that and the whole, so that not
    everybody tries again at once.
    """
    bound_ms = min(most_ms, first_ms * 2 ** min(failures, 20))
    return int(bound_ms * (0.5 + jitter / 2))
