"""Does something once, a moment after it was first wanted. So many wishes cost one write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SOON_S = 5.0
"""The runtime may end an object that nobody has asked anything for ten seconds, and what waits for
more than that would be lost.
https://developers.cloudflare.com/durable-objects/concepts/durable-object-lifecycle/"""


class Soon:
    """Calls a function `SOON_S` after it was first wanted. Wishes until then change nothing."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self) -> None:
        """Have it done soon, if that is not planned already."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SOON_S, self._now)

    def _now(self) -> None:
        self._timer = None
        self._act()
