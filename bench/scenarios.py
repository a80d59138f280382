"""The requests of the benchmark, who gets them, and the answers that they must get."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import dataset
import rest_reads
from contenders import (
    CHECKED_MISS_FLOOR,
    CONSTANT_JAVASCRIPT,
    CONSTANT_PYTHON,
    FLOOR,
    LESSON,
    MISS_FLOOR,
    OURS,
    PASSING_FLOOR,
    QUERY_FLOOR,
    ROW_FLOOR,
)

DIRECT = "Supabase itself"
"""The upstream, asked directly, without a Worker."""

CONNECTIONS = (1, 4, 32)

EMPTY, NOT_MODIFIED, NOT_FOUND, ROW = "empty", "304", "404", "row"
MISS, REVALIDATE, WEBHOOK = "miss 100 KB", "revalidate", "webhook"
QUERY, QUERY_MISS, PASSED = "query 4 KB", "query miss", "passed on"
SESSION = "query, signed in"
HIT_TINY, HIT_SMALL, HIT_MEDIUM, HIT_LARGE = "hit 0.8 KB", "hit 100 KB", "hit 1 MB", "hit 5 MB"
HIT_ASCII_MEDIUM, HIT_ASCII_LARGE = "hit 1 MB ASCII", "hit 5 MB ASCII"

FRESH = "{n}"
"""The placeholder in a path for an id that was never asked for."""

_OK = HTTPStatus.OK
_FLOORS = (FLOOR, ROW_FLOOR, QUERY_FLOOR, CHECKED_MISS_FLOOR, PASSING_FLOOR)
_ROW_TYPE = "application/vnd.pgrst.object+json"

RECEIVED = {"received": True}

_SETTLE_S = 1.5
"""The wait after a burst of writes to ours. A key takes one a second, so one may still wait."""


@dataclass(frozen=True)
class Scenario:
    """A kind of request, which a burst repeats.

    ``body`` is the body that a 200 answer must have. If it is None, the probe's body must be
    `RECEIVED`, and another status may have any body. ``direct_path`` is the path at Supabase
    itself, if it differs. If ``own_rows`` is true, each fresh id has a row of its own, which begins
    with it. ``asks`` says whether each answer must need Supabase; None allows both. ``settle_s`` is
    how long ours goes on working after a burst.
    """

    name: str
    workers: tuple[str, ...]
    body: bytes | None
    path: str = "/articles"
    direct_path: str | None = None
    own_rows: bool = False
    table: dataset.Table = dataset.SMALL
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: str | None = None
    statuses: Mapping[str, int] = field(default_factory=dict)
    asks: bool | None = False
    conditional: bool = False
    settle_s: float = 0

    @property
    def floor(self) -> str:
        """The floor that takes part. If none does, the name of one that has no values."""
        return next((floor for floor in _FLOORS if floor in self.workers), FLOOR)

    def status(self, worker: str) -> int:
        """Return the status that a Worker must answer with."""
        return self.statuses.get(worker, _OK)

    def path_for(self, worker: str) -> str:
        """Return the path at a Worker."""
        return self.direct_path if worker == DIRECT and self.direct_path else self.path

    def headers_for(self, worker: str) -> dict[str, str]:
        """Return the request's headers."""
        if worker == DIRECT and self.direct_path:
            return {"accept": _ROW_TYPE}
        return dict(self.headers)


def _hit(name: str, table: dataset.Table) -> Scenario:
    return Scenario(name, (OURS, LESSON, FLOOR), table.body, table=table)


def _read(
    name: str,
    workers: tuple[str, ...],
    *,
    asks: bool,
    path: str = rest_reads.PATH,
    headers: Mapping[str, str] = rest_reads.HEADERS,
) -> Scenario:
    return Scenario(name, workers, dataset.listed(), path=path, headers=headers, asks=asks)


def changed_row() -> str:
    """Return a webhook's body."""
    record = json.loads(dataset.row(dataset.ROW_ID))
    old = {"id": dataset.ROW_ID}
    change = {"type": "UPDATE", "table": "articles", "schema": "public"}
    return json.dumps({**change, "record": record, "old_record": old})


def scenarios() -> tuple[Scenario, ...]:
    """Return all scenarios, in the order of the printed table."""
    both = (OURS, LESSON)
    return (
        Scenario(EMPTY, (CONSTANT_PYTHON, CONSTANT_JAVASCRIPT), b"ok"),
        _hit(HIT_TINY, dataset.TINY),
        _hit(HIT_SMALL, dataset.SMALL),
        _hit(HIT_MEDIUM, dataset.MEDIUM),
        _hit(HIT_LARGE, dataset.LARGE),
        _hit(HIT_ASCII_MEDIUM, dataset.ASCII_MEDIUM),
        _hit(HIT_ASCII_LARGE, dataset.ASCII_LARGE),
        # The others do not know validators: they answer this request with the whole table.
        Scenario(
            NOT_MODIFIED,
            (*both, FLOOR),
            dataset.TINY.body,
            table=dataset.TINY,
            conditional=True,
            statuses={OURS: HTTPStatus.NOT_MODIFIED},
        ),
        Scenario(
            NOT_FOUND,
            both,
            None,
            path="/nothing/is/here",
            statuses=dict.fromkeys(both, HTTPStatus.NOT_FOUND),
        ),
        Scenario(
            ROW,
            (*both, ROW_FLOOR),
            dataset.row(dataset.ROW_ID),
            path=f"/articles/{dataset.ROW_ID}",
        ),
        Scenario(
            MISS,
            (*both, MISS_FLOOR, CHECKED_MISS_FLOOR, DIRECT),
            dataset.large_row(),
            path=f"/articles/{FRESH}",
            direct_path=f"/rest/v1/articles?select=*&id=eq.{FRESH}",
            own_rows=True,
            asks=True,
        ),
        _read(QUERY, (*both, QUERY_FLOOR), asks=False),
        _read(SESSION, (OURS,), headers=rest_reads.SESSION_HEADERS, asks=False),
        _read(
            QUERY_MISS,
            (*both, MISS_FLOOR, CHECKED_MISS_FLOOR, DIRECT),
            path=rest_reads.filtered(FRESH),
            asks=True,
        ),
        _read(PASSED, (OURS, PASSING_FLOOR, DIRECT), headers=rest_reads.ODD_HEADERS, asks=True),
        Scenario(
            REVALIDATE,
            both,
            None,
            path="/revalidate",
            asks=None,
            settle_s=_SETTLE_S,
        ),
        Scenario(
            WEBHOOK,
            both,
            None,
            path="/revalidate",
            method="POST",
            headers={"content-type": "application/json"},
            payload=changed_row(),
            asks=None,
            settle_s=_SETTLE_S,
        ),
    )
