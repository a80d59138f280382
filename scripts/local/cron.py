"""Does for a Worker on this machine what nobody else does there, until this process ends."""

import threading
import time
import urllib.request
from collections.abc import Callable

MINUTE_S = 60.0
TIMEOUT_S = 30.0


def start(worker_url: str, cache_url: str, *, poke_s: float | None = None) -> None:
    """Fire the Worker's cron trigger each minute, because `wrangler dev` fires none.

    Besides, poke its cache every ``poke_s``, if the database cannot reach this machine.
    """
    _repeat(MINUTE_S, lambda: _ask(f"{worker_url}/cdn-cgi/local/scheduled?time={_now_ms()}"))
    if poke_s:
        _repeat(poke_s, lambda: _ask(f"{cache_url}/revalidate", "POST"))


def _repeat(pause_s: float, act: Callable[[], None]) -> None:
    def acting() -> None:
        while True:
            time.sleep(pause_s)
            act()

    threading.Thread(target=acting, daemon=True).start()


def _now_ms() -> int:
    return round(time.time() * 1000)


def _ask(url: str, method: str = "GET") -> None:
    request = urllib.request.Request(url, method=method)  # noqa: S310 - always http
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310 - as above
            pass
    except OSError:
        return  # the Worker is about to end, or to be reloaded
