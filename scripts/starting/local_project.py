"""`npm start`: a Supabase on this machine, made from supabase/, and the Worker in front of it."""

from __future__ import annotations

import argparse
from pathlib import Path

from diagnosis.configuration import Configuration
from local import cron, supabase_project
from local.ports import LOCALHOST
from local.processes import Process
from local.stack import (
    WORKER_DEADLINE_S,
    Listener,
    Supabase,
    Worker,
    spawn_worker,
    start_supabase,
)
from local.supabase_project import PUBLISHABLE_KEY, REVALIDATE_SECRET
from shared import declarations, edge_sql
from shared.declarations import Declared, Project
from shared.project import ROOT
from shared.terminal import step
from starting import outlook, words

_MEND = "Correct it in src/tables.toml or wrangler.toml."


def start(arguments: argparse.Namespace, state: Path, running: list[Process]) -> tuple[Worker, str]:
    """Start both, and add each to `running` as soon as it runs. Return what to print then."""
    variables = {
        "SUPABASE_URL": f"http://{LOCALHOST}:{arguments.supabase_port}",
        "SUPABASE_ANON_KEY": PUBLISHABLE_KEY,
        "REVALIDATE_SECRET": REVALIDATE_SECRET,
        **words.LOGGED,
    }
    declarations.warn_of_old_way()
    project = Project(ROOT / "wrangler.toml")
    places = dict.fromkeys(variables, "npm start")
    given = Configuration({**project.variables, **variables}, places, project.tables)
    settings = outlook.settings_of(given, _MEND)
    _note_seed(state / "supabase")
    worker = spawn_worker(
        port=arguments.port,
        state=state / "worker",
        variables=variables,
        log=state / "worker.log",
    )
    running.append(worker.process)
    cache = worker.url + arguments.cache_path
    supabase = _start_supabase(arguments.supabase_port, state, settings.declared, cache)
    running.append(supabase.process)
    seen = outlook.look(settings, places, is_local=True)
    with step(f"2 of 2: the Worker, with `wrangler dev` on port {arguments.port}"):
        worker.process.wait_until_answering(f"{worker.url}/", deadline_s=WORKER_DEADLINE_S)
    cron.start(worker.url, cache)
    keys = supabase.publishable_key, supabase.secret_key, REVALIDATE_SECRET
    served = words.Served(cache, supabase.url, *keys)
    return worker, words.ready(served, settings.declared, seen.readings)


def _note_seed(folder: Path) -> None:
    """Say so if the seed is another one than the database was made with."""
    seeded = supabase_project.seeded_stamp(folder, ROOT)
    if seeded.path.exists() and not seeded.is_current():
        print(
            "note  supabase/seed.sql has changed, but it runs only in a new database: delete"
            f" {folder.relative_to(ROOT)} to begin with one.",
            flush=True,
        )


def _start_supabase(port: int, state: Path, declared: Declared, cache: str) -> Supabase:
    with step(f"1 of 2: Supabase Lite, a Postgres in WebAssembly, on port {port}"):
        return start_supabase(
            state / "supabase",
            port,
            exposed=declared.schemas,
            listener=Listener(edge_sql.installing(declared), cache, REVALIDATE_SECRET),
        )
