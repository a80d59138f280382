"""The processes that run during a benchmark, and the entries that each Worker serves."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import contenders
import dataset
import rest_reads
from contenders import (
    CHECKED_MISS_FLOOR,
    FLOOR,
    MISS_FLOOR,
    OURS,
    QUERY_FLOOR,
    ROW_FLOOR,
    Contender,
)
from load import Load, Target
from scenarios import DIRECT, Scenario
from serving import TABLE_KEY, Entry, Server, Supabase, http, start, start_load, start_supabase
from shared.failure import Failure

Say = Callable[[str], None]
"""Prints what is going on."""

_ROW_KEY, _VERSION_KEY = f"{TABLE_KEY}/{dataset.ROW_ID}", f"{TABLE_KEY}?versions"
_VERSION = b"1790000000000 1790000000009;public.articles=9;#1f=9;"
"""A text such as ours keeps there."""

_NEWEST = 10**15 - 1
"""The highest version that an entry of ours can have."""


@dataclass(frozen=True)
class Stage:
    """The running processes. `entries` has our entry of each table."""

    work: Path
    contenders: dict[str, Contender]
    servers: dict[str, Server]
    supabase: Supabase
    load: Load
    entries: dict[dataset.Table, Entry]

    def entry(self, worker: str, table: dataset.Table) -> Entry:
        """Return a table as a Worker keeps it in KV. Ours has metadata."""
        return self.entries[table] if worker == OURS else Entry(table.body)

    def target(self, scenario: Scenario, worker: str) -> Target:
        """Return the target of a scenario's requests."""
        url = self.supabase.url if worker == DIRECT else self.servers[worker].url
        headers = scenario.headers_for(worker)
        if scenario.conditional:
            headers["if-none-match"] = self._etag()
        return Target(worker, url, scenario, headers)

    def prepare(self, scenario: Scenario) -> None:
        """Give the scenario's table to Supabase and to every Worker."""
        self.supabase.serve(scenario.table)
        for worker in scenario.workers:
            if worker != DIRECT:
                self.servers[worker].put(TABLE_KEY, self.entry(worker, scenario.table))

    def _etag(self) -> str:
        etag: str = http.get(f"{self.servers[OURS].url}/articles").headers["etag"]
        return etag


@contextmanager
def staged(work: Path, say: Say) -> Iterator[Stage]:
    """Start everything, and ``say`` so. It ends with the block, also after an error."""
    with ExitStack() as stack:
        supabase = start_supabase(work)
        stack.callback(supabase.process.stop)
        url, process = start_load(work)
        stack.callback(process.stop)
        found = contenders.contenders(work, supabase.url)
        servers = {}
        for contender in found.values():
            say(f"starting: {contender.name}")
            server = start(contender, work, Entry(dataset.TINY.body))
            stack.callback(server.process.stop)
            servers[contender.name] = server
        _fill_floors(servers)
        entries = {table: _own_entry(supabase, servers[OURS], table) for table in dataset.TABLES}
        bodies = work / "bodies"
        bodies.mkdir(exist_ok=True)
        yield Stage(work, found, servers, supabase, Load(url, process, bodies), entries)


def _fill_floors(servers: dict[str, Server]) -> None:
    """Write the keys that each of these floors reads, besides `TABLE_KEY`."""
    row_floor, query_floor = servers[ROW_FLOOR], servers[QUERY_FLOOR]
    row_floor.put(_ROW_KEY, Entry(dataset.row(dataset.ROW_ID)))
    query_floor.put(rest_reads.ENTRY_KEY, query_entry())
    misses = (servers[MISS_FLOOR], servers[CHECKED_MISS_FLOOR])
    for floor in (servers[FLOOR], row_floor, query_floor, *misses):
        floor.put(_VERSION_KEY, Entry(_VERSION))


def query_entry() -> Entry:
    """Return a query's entry as ours keeps it in KV, with the lowest version."""
    headers = {"content-type": "application/json; charset=utf-8", "content-profile": "public"}
    metadata = {
        "v": 3,
        "etag": f'"{"0" * 32}"',
        "size": len(dataset.listed()),
        "readAt": 1_790_000_000_000,
        "version": 1,
        "row": "",
        "on": "public.articles",
        "askedAt": 1_790_000_000_000,
        "status": 200,
        "headers": {**headers, "content-range": "0-24/*", "content-location": rest_reads.PATH},
    }
    return Entry(dataset.listed(), json.dumps(metadata))


def _own_entry(supabase: Supabase, ours: Server, table: dataset.Table) -> Entry:
    """Let ours read a whole table, and return its entry, which no change makes outdated."""
    supabase.serve(table)
    http.get(f"{ours.url}/revalidate").raise_for_status()
    entry = ours.entry(TABLE_KEY)
    if entry.value != table.body:
        raise Failure(f"After GET /revalidate, KV does not hold the table of {table.rows} rows.")
    return never_outdated(entry)


def never_outdated(entry: Entry) -> Entry:
    """Return an entry of ours that has every change that can come."""
    return Entry(entry.value, json.dumps({**json.loads(entry.metadata), "version": _NEWEST}))
