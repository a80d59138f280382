"""Many different queries: how fast they are fresh after a change, and what crowds get.

A process of its own is measured, because both fill the object's memory.
"""

import time
from collections.abc import Callable
from itertools import count

import dataset
import rest_reads
from contenders import OURS
from fresh import started
from load import Expected, Target
from samples import WHOLE, Key, Samples
from scenarios import FRESH, Scenario, changed_row
from serving import Server, http
from shared.failure import Failure
from stage import Stage, query_entry

WARM = "queries after a webhook"
MISSING, OUTDATED, SLOW = "without entry", "outdated", "outdated, Supabase slow"

QUERIES = 50
"""This many queries are kept warm."""

CROWDS = (10, 50, 200)
"""This many readers ask at once, each for another query."""

DELAY_S, SLOW_S = 0.05, 2.0
"""Supabase answers after this time."""

_ASKED_AT_MOST = 3
"""A reader asks at most this often before the last reader has its answer."""

_DEADLINE_S = 30.0
_POLL_S = 0.005
_QUIET_S = 2.0
"""After the queries, ours still writes the table's entry and what had to wait for KV's limit."""

_OK = 200

# The load generator and the probes never reach these numbers.
_first_ids = count(5_000_000, 1_000)


def measure_clients(stage: Stage, samples: Samples, *, seconds: float) -> None:
    """Add one value of each of these metrics."""
    with started(stage, OURS) as server:
        _measure_warm(stage, server, samples)
        for connections in CROWDS:
            _measure_crowd(stage, server, samples, connections, seconds)
            _measure_outdated(stage, server, samples, OUTDATED, connections, DELAY_S)
        _measure_outdated(stage, server, samples, SLOW, CROWDS[1], SLOW_S)
    stage.supabase.serve(dataset.SMALL)


def _measure_warm(stage: Stage, server: Server, samples: Samples) -> None:
    """Measure how long it takes until all queries show a change, and what that costs."""
    stage.supabase.serve(dataset.SMALL)
    numbers = range(QUERIES)
    keys = [rest_reads.filtered_key(number) for number in numbers]
    for number in numbers:
        _require_answer(server, number, dataset.listed())
    _wait_until(lambda: set(keys) <= server.metadata().keys())
    stage.supabase.serve(dataset.SMALL, edited=True)
    before, asked = _contents(server), stage.supabase.asked()
    began = time.monotonic()
    http.post(f"{server.url}/revalidate", content=changed_row()).raise_for_status()
    old = {key: before[key] for key in keys}
    _wait_until(lambda: not old.items() & server.metadata().items())
    seconds = time.monotonic() - began
    time.sleep(_QUIET_S)
    after, asked_after = _contents(server), stage.supabase.asked()
    for number in numbers:
        _require_answer(server, number, dataset.listed(1), is_hit=True)
    if stage.supabase.asked() > asked_after:
        raise Failure("Supabase was asked for a query that should have been warm.")
    changed = before.items() ^ after.items()
    for metric, value in (
        ("fresh_s", seconds),
        ("reads", asked_after - asked),
        ("writes", len({key for key, _ in changed})),
    ):
        samples.add(Key(WARM, OURS, WHOLE, metric), value)


def _contents(server: Server) -> dict[str, str]:
    """Return a text for each key that changes with each write: its metadata, or else its value."""
    return {
        key: server.entry(key).value.decode() if metadata == "null" else metadata
        for key, metadata in server.metadata().items()
    }


def _require_answer(server: Server, number: int, body: bytes, *, is_hit: bool = False) -> None:
    url = server.url + rest_reads.filtered(number)
    answer = http.get(url, headers=rest_reads.HEADERS)
    status = answer.headers.get("cache-status", "")
    from_kv = "; hit" in status and "detail" not in status
    if answer.status_code != _OK or answer.content != body or from_kv is not is_hit:
        raise Failure(f"A wrong answer to query {number}: {answer.status_code}, {status}")


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise Failure(f"Not all queries are in KV after {_DEADLINE_S:.0f} s.")
        time.sleep(_POLL_S)


def _measure_crowd(
    stage: Stage, server: Server, samples: Samples, connections: int, seconds: float
) -> None:
    """Let many readers ask for queries that have no entry."""
    target = _target(server, MISSING)
    stage.supabase.serve(dataset.SMALL, delay_s=DELAY_S)
    _add_crowd(stage, target, samples, connections, seconds=2 * seconds, first_id=None)


def _measure_outdated(  # noqa: PLR0913, PLR0917 - as above, and what differs
    stage: Stage, server: Server, samples: Samples, name: str, connections: int, delay_s: float
) -> None:
    """Let many readers ask at once for queries whose entries are outdated."""
    first_id = next(_first_ids)
    for number in range(first_id, first_id + _ASKED_AT_MOST * connections):
        server.put(rest_reads.filtered_key(number), query_entry())
    stage.supabase.serve(dataset.SMALL, delay_s=delay_s)
    target = _target(server, name)
    _add_crowd(stage, target, samples, connections, seconds=0, first_id=first_id)


def _target(server: Server, name: str) -> Target:
    path = rest_reads.filtered(FRESH)
    scenario = Scenario(name, (OURS,), dataset.listed(), path=path, headers=rest_reads.HEADERS)
    return Target(OURS, server.url, scenario, scenario.headers_for(OURS))


def _add_crowd(  # noqa: PLR0913 - a crowd, and where its numbers go
    stage: Stage,
    target: Target,
    samples: Samples,
    connections: int,
    *,
    seconds: float,
    first_id: int | None,
) -> None:
    expected = Expected(_OK, dataset.listed())
    crowd = stage.load.crowd(
        target, expected, connections=connections, seconds=seconds, first_id=first_id
    )
    for metric, value in (
        ("per_second", crowd.per_second),
        ("p50_ms", crowd.p50_ms),
        ("longest_ms", crowd.longest_ms),
        ("stale_share", crowd.share("fwd=stale; detail")),
        ("passed_share", crowd.share("fwd=bypass")),
    ):
        samples.add(Key(target.scenario.name, OURS, connections, metric), value)
