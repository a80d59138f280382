"""`npm run bench -- --first-impression`: what a hit takes under `npm start`, and why.

`npm start` runs `wrangler dev`, which has a proxy in front of the Worker and prints what it logs.
So the Worker runs there with and without log lines, and in Miniflare alone. An empty JavaScript
Worker does the same: what it takes longer under `wrangler dev` is the proxy's. It writes nothing.
"""

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import contenders
import dataset
import rest_reads
from contenders import CONSTANT_JAVASCRIPT, OURS, Contender
from load import Expected, Load, Target
from local.ports import free_port
from local.stack import start_supabase, start_worker
from local.supabase_project import PUBLISHABLE_KEY
from places import SOURCES
from scenarios import Scenario
from serving import Entry, http, start, start_load

ROUNDS, SECONDS = 7, 1.0
_WARM_UP_S = 2.0

LITE = "Supabase Lite itself"
LOGGED, SILENT = "ours, wrangler dev, each hit logged", "ours, wrangler dev, no hit logged"
ALONE = "ours, Miniflare alone, no hit logged"
EMPTY, EMPTY_ALONE = "empty JavaScript, wrangler dev", "empty JavaScript, Miniflare alone"

_HEADERS = {
    **rest_reads.HEADERS,
    "apikey": PUBLISHABLE_KEY,
    "authorization": f"Bearer {PUBLISHABLE_KEY}",
}


@dataclass(frozen=True)
class Stage:
    """The URLs of what is measured, and the load generator."""

    urls: dict[str, str]
    load: Load


def measure_first_impression(work: Path) -> Iterator[str]:
    """Return the lines of a table: milliseconds of an answer, one after the other."""
    found: dict[str, list[float]] = {}
    with _staged(work) as stage:
        targets = [Target(name, url, _read(name), _HEADERS) for name, url in stage.urls.items()]
        for target in targets:
            _burst(stage, target, _WARM_UP_S)
        order = random.Random(1)  # noqa: S311 - no secret
        for _ in range(ROUNDS):
            for target in order.sample(targets, len(targets)):
                found.setdefault(target.name, []).append(_burst(stage, target, SECONDS))
    yield f"{'':40}{'p50 ms':>8}{'lowest':>8}{'highest':>9}"
    for name in stage.urls:
        values = found[name]
        yield f"{name:40}{median(values):>8.1f}{min(values):>8.1f}{max(values):>9.1f}"


def _read(name: str) -> Scenario:
    return Scenario("first impression", (name,), None, path=rest_reads.PATH, headers=_HEADERS)


def _burst(stage: Stage, target: Target, seconds: float) -> float:
    """Return the median of a burst. The load generator compares all answers with a first one."""
    first = http.get(target.url + target.path, headers=_HEADERS).raise_for_status()
    expected = Expected(first.status_code, first.content)
    return stage.load.burst(target, expected, connections=1, seconds=seconds).p50_ms


@contextmanager
def _staged(work: Path) -> Iterator[Stage]:
    """Start everything. It ends with the block, also after an error."""
    with ExitStack() as stack:
        supabase = start_supabase(work / "supabase", free_port())
        stack.callback(supabase.process.stop)
        load_url, process = start_load(work)
        stack.callback(process.stop)
        variables = {"SUPABASE_URL": supabase.url, "SUPABASE_ANON_KEY": PUBLISHABLE_KEY}
        urls = {LITE: supabase.url}
        config = _constant_config(work)
        for name, logged, its_config in (
            (LOGGED, "all", None),
            (SILENT, "none", None),
            (EMPTY, "none", config),
        ):
            folder = work / name.replace(" ", "-")
            given = {**variables, "LOG_HITS": logged}
            worker = start_worker(
                port=free_port(),
                state=folder,
                variables=given,
                log=folder / "worker.log",
                config=its_config,
            )
            stack.callback(worker.process.stop)
            urls[name] = worker.url
        for name, contender in _alone(work, variables):
            server = start(contender, work, Entry(dataset.TINY.body))
            stack.callback(server.process.stop)
            urls[name] = server.url
        bodies = work / "bodies"
        bodies.mkdir()
        yield Stage(urls, Load(load_url, process, bodies))


def _alone(work: Path, variables: dict[str, str]) -> Iterator[tuple[str, Contender]]:
    found = contenders.contenders(work, variables["SUPABASE_URL"])
    yield ALONE, found[OURS].given({**variables, "LOG_HITS": "none"})
    yield EMPTY_ALONE, found[CONSTANT_JAVASCRIPT]


def _constant_config(work: Path) -> Path:
    """Write what `wrangler dev` has to know of the empty Worker."""
    config = work / "constant.json"
    config.write_text(
        json.dumps(
            {
                "name": "constant",
                "main": str(SOURCES / "constant.mjs"),
                "compatibility_date": contenders.compatibility_date(),
            }
        )
    )
    return config
