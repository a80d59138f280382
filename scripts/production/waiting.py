"""Waits until what was changed can be seen from outside, so that the doctor is not too early.

If it cannot be seen in time, the doctor says what is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx

from production import database
from production.names import KEY, SECRET, URL
from production.plan import Known
from shared.failure import Failure

WORKER_S = 90.0
"""A new version is everywhere within seconds, the certificate of a new address within a minute."""

API_S = 15.0
"""Supabase's API reads the schema again within seconds after the script ran."""

POLL_S = 1.0
REQUEST_S = 10.0

Tell = Callable[[str], None]


def for_worker(address: str, tables: frozenset[str], tell: Tell) -> None:
    """Wait until the Worker has its configuration and serves these tables."""
    _until(lambda: _serves(address, tables), WORKER_S, tell, f"{address} serves")


def for_api(known: Known, script: str, tell: Tell) -> None:
    """Wait until the API shows the script that ran, if the API can be asked."""
    if {URL, KEY, SECRET} <= known.values.keys():
        _until(lambda: _shows(known, script), API_S, tell, f"{known.values[URL]} shows the script")


def _until(is_seen: Callable[[], bool], deadline_s: float, tell: Tell, what: str) -> None:
    if is_seen():
        return
    tell(f"     Waiting until {what}, for {deadline_s:.0f} s at most …")
    ends = time.monotonic() + deadline_s
    while not is_seen() and time.monotonic() < ends:
        time.sleep(POLL_S)


def _serves(address: str, tables: frozenset[str]) -> bool:
    headers = {"accept": "application/json"}
    try:
        report = httpx.get(f"{address}/health", timeout=REQUEST_S, headers=headers).json()
        return bool(report["configuration"] == "ok" and report["tables"].keys() == tables)
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _shows(known: Known, script: str) -> bool:
    has = known.values
    try:
        return database.told_by_api(has[URL], has[KEY], has[SECRET], None).script == script
    except Failure:
        return False
