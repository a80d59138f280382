"""Bursts of load. Every answer is compared, byte for byte, with the expected one."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx

import dataset
from local.processes import Process
from scenarios import FRESH, RECEIVED, Scenario
from serving import http
from shared.failure import Failure

PACED, PAUSE_MS = 40, 25
"""A paced reader asks so often, and waits so long after each answer for what is behind it."""

_SHOWN_CHARACTERS = 300

_AFTER_ID = len('{"id":1000000')
"""Rows with fresh ids differ only before this byte."""

# The load generator counts up from 1,000,000 and does not reach these ids.
_probe_ids = count(9_000_000)


@dataclass(frozen=True)
class Expected:
    """The answer that every request of a burst must get."""

    status: int
    body: bytes


@dataclass(frozen=True)
class Burst:
    """The results of a burst: the number of answers, and the seconds until the last one."""

    answers: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Return the throughput."""
        return self.answers / self.seconds


@dataclass(frozen=True)
class Crowd:
    """What many readers of different queries got. ``told`` counts values of Cache-Status."""

    per_second: float
    p50_ms: float
    longest_ms: float
    told: Mapping[str, int]

    def share(self, part: str) -> float:
        """Return the share of answers whose Cache-Status contains a text."""
        having = sum(count for status, count in self.told.items() if part in status)
        return having / sum(self.told.values())


@dataclass(frozen=True)
class Reader:
    """Somebody who asks a Worker for one path after the other."""

    url: str
    headers: Mapping[str, str]
    paths: Sequence[str]


@dataclass(frozen=True)
class Reply:
    """What a reader got. The time is a Unix time in seconds. If nothing came, the status is 0."""

    asked_at: float
    status: int
    cache_status: str
    body: str


@dataclass(frozen=True)
class Target:
    """A Worker, or the upstream, that gets a scenario's requests."""

    name: str
    url: str
    scenario: Scenario
    headers: dict[str, str]

    @property
    def path(self) -> str:
        """Return the path. It may contain a placeholder for an id."""
        return self.scenario.path_for(self.name)

    def failure(self, what: str) -> Failure:
        """Return the error that ends the run."""
        return Failure(f'A wrong answer of "{self.name}" in "{self.scenario.name}": {what}')


def probe(target: Target) -> Expected:
    """Ask once, check the answer, and return what all later answers must equal."""
    row_id = next(_probe_ids)
    answer = http.request(
        target.scenario.method,
        target.url + target.path.replace(FRESH, str(row_id)),
        headers=target.headers,
        content=target.scenario.payload,
    )
    if answer.status_code != target.scenario.status(target.name):
        raise target.failure(_shown(answer))
    expected = _expected_body(target.scenario, answer)
    if target.scenario.own_rows:
        expected = dataset.large_row_of(row_id)
    if answer.content != expected:
        raise target.failure(f"{_shown(answer)}\nIt should have {len(expected)} bytes.")
    return Expected(answer.status_code, expected)


def _expected_body(scenario: Scenario, answer: httpx.Response) -> bytes:
    if answer.status_code == httpx.codes.NOT_MODIFIED:
        return b""
    if scenario.body is not None:
        return scenario.body
    if answer.is_success and answer.json() != RECEIVED:
        return b'{"received": true}'
    return answer.content


def _shown(answer: httpx.Response) -> str:
    text = answer.text[:_SHOWN_CHARACTERS]
    return f"status {answer.status_code}, {len(answer.content)} bytes: {text}"


@dataclass(frozen=True)
class Load:
    """The load generator."""

    url: str
    process: Process
    bodies: Path

    def burst(
        self, target: Target, expected: Expected, *, connections: int, seconds: float
    ) -> Burst:
        """Run a burst. Raises Failure if one of its answers was wrong."""
        times = {"connections": connections, "seconds": seconds}
        result = self._run("burst", target, expected, times)
        if not result["answers"]:
            raise target.failure(f"none within {seconds} s, at {connections} connections")
        return Burst(result["answers"], result["seconds"], result["p50_ms"], result["p99_ms"])

    def crowd(
        self,
        target: Target,
        expected: Expected,
        *,
        connections: int,
        seconds: float,
        first_id: int | None,
    ) -> Crowd:
        """Let readers ask for another query each time, and return what they got.

        The numbers of the queries begin with ``first_id``. Without it, they are new.
        """
        numbers = {} if first_id is None else {"firstId": first_id}
        times = {"connections": connections, "seconds": seconds, **numbers}
        result = self._run("burst", target, expected, {**times, "tells": True})
        rate = result["answers"] / result["seconds"]
        return Crowd(rate, result["p50_ms"], result["longest_ms"], result["told"])

    def paced(self, target: Target, expected: Expected) -> list[float]:
        """Let one reader ask, with a pause after each answer. Return the times in milliseconds."""
        times = {"count": PACED, "pauseMs": PAUSE_MS}
        times_ms: list[float] = self._run("paced", target, expected, times)["times"]
        return times_ms

    def herd(self, target: Target, expected: Expected, *, readers: int) -> None:
        """Let readers ask at once. Raises Failure if one of the answers was wrong.

        An answer is also wrong if it began before the last reader had asked, or if it came from the
        cache, because then the readers were not a herd.
        """
        self._run("herd", target, expected, {"connections": readers})

    def steady(self, readers: Sequence[Reader], *, per_second: float) -> list[list[Reply]]:
        """Let readers ask at a steady rate, and return what each got. Nothing is compared."""
        order = {"readers": [asdict(one) for one in readers], "everyMs": 1000 / per_second}
        found = self._post("steady", order)
        return [[Reply(**reply) for reply in replies] for replies in found]

    def _run(
        self, kind: str, target: Target, expected: Expected, times: Mapping[str, float]
    ) -> dict[str, Any]:
        order = {
            "url": target.url,
            "method": target.scenario.method,
            "path": target.path,
            "headers": target.headers,
            "body": target.scenario.payload,
            "status": expected.status,
            "expected": str(self._file(expected.body)),
            "from": _AFTER_ID if target.scenario.own_rows else 0,
            **times,
        }
        result: dict[str, Any] = self._post(kind, order)
        if result["wrong"]:
            raise target.failure(result["wrong"])
        return result

    def _post(self, kind: str, order: Mapping[str, object]) -> Any:
        answer = http.post(f"{self.url}/{kind}", json=order)
        if answer.is_error:
            raise Failure(f"{answer.text}\n\nThe load generator failed.")
        return answer.json()

    def _file(self, body: bytes) -> Path:
        path = self.bodies / hashlib.sha256(body).hexdigest()
        if not path.exists():
            path.write_bytes(body)
        return path
