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
