"""Fires the Worker's cron trigger each minute, because `wrangler dev` fires none."""

import threading
import time
import urllib.request

MINUTE_S = 60.0
TIMEOUT_S = 30.0


def start(worker_url: str) -> None:
    """Fire it until this process ends."""
    threading.Thread(target=_fire, args=(worker_url,), daemon=True).start()


def _fire(worker_url: str) -> None:
    while True:
        time.sleep(MINUTE_S)
        at_ms = round(time.time() * 1000)
        url = f"{worker_url}/cdn-cgi/local/scheduled?time={at_ms}"
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S):  # noqa: S310 - always http
                pass
        except OSError:
            continue  # the Worker is about to end, or to be reloaded
