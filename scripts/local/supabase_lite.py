"""Starts an embedded Supabase: Supabase Lite on PGlite, served by `lite/serve.mjs`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from local import supabase_project
from local.ports import LOCALHOST
from local.processes import Process, spawn
from shared import edge_sql
from shared.failure import Failure
from shared.project import NODE_MODULES, environment
from shared.stamp import Stamp

LITE = Path(__file__).with_name("lite")
STAND_INS = LITE / "stand_ins.sql"

DEADLINE_S = 90.0

_IS_MISTAKEN = 2
"""The exit status if the user's own SQL fails. The last line of the log says where."""

_ONE_COMPILER = "--liftoff-only"
"""V8's other compiler of WebAssembly takes seconds and half a gigabyte, and gains nothing here."""


@dataclass(frozen=True)
class Supabase:
    """A running Supabase Lite: the URL and keys a Supabase project would have."""

    url: str
    publishable_key: str
    secret_key: str
    process: Process


@dataclass(frozen=True)
class Listener:
    """A Worker that the database tells of its changes, by the ``script`` of `npm run sql`."""

    script: str
    url: str
    secret: str


def start_supabase(
    folder: Path,
    port: int,
    *,
    source: Path = supabase_project.SOURCE,
    exposed: Iterable[str] = (),
    listener: Listener | None = None,
) -> Supabase:
    """Serve a copy of a project whose database lives in `folder`; raise Failure with the log.

    The first start makes the schema and the seed; later ones find the rows as they were left. The
    API serves the project's own schemas, and the ``exposed`` ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    supabase_project.copy_project(source, folder, port=port, exposed=exposed)
    stamps = [supabase_project.applied_stamp(folder)]
    seeded = supabase_project.seeded_stamp(folder, folder)
    if not stamps[0].path.exists() or not seeded.path.exists():
        stamps.append(seeded)
    arguments = {"port": port, **_migration(folder, stamps[0])}
    if listener:
        installed = _written(folder, listener)
        arguments |= _installation(installed, listener, is_due="migration" in arguments)
        stamps.append(installed)
    process = spawn(
        "Supabase Lite",
        [
            *(NODE_MODULES / ".bin" / "node", _ONE_COMPILER, LITE / "serve.mjs"),
            json.dumps(arguments),
        ],
        cwd=folder,
        env={**environment(), "LITE_TELEMETRY": "0"},
        log=folder / "supabase.log",
    )
    url = f"http://{LOCALHOST}:{port}"
    _wait(process, f"{url}/rest/v1/")
    for stamp in stamps:
        stamp.write()
    keys = supabase_project.PUBLISHABLE_KEY, supabase_project.SECRET_KEY
    return Supabase(url, *keys, process)


def _migration(folder: Path, applied: Stamp) -> dict[str, object]:
    """Return what `lite/schema.mjs` has to do, if anything: the names of its arguments."""
    if applied.is_current():
        return {}
    removing = folder / "remove_edge_cache.sql"
    removing.write_text(edge_sql.removing())
    files = supabase_project.sql_files(folder)
    return {
        "migration": {
            "isNew": not applied.path.exists(),
            "schemas": list(map(str, files.schemas)),
            "seeds": list(map(str, files.seeds)),
            "removing": str(removing),
        }
    }


def _written(folder: Path, listener: Listener) -> Stamp:
    """Write the script into the folder, and return the stamp of its installation."""
    script = folder / "edge_cache.sql"
    script.write_text(listener.script)
    return Stamp(supabase_project.temp(folder) / "installed", (script, STAND_INS))


def _installation(installed: Stamp, listener: Listener, *, is_due: bool) -> dict[str, object]:
    script, _ = installed.sources
    vault = {
        "edge_cache_url": f"{listener.url}/revalidate",
        "edge_cache_secret": listener.secret,
    }
    return {
        "script": str(script) if is_due or not installed.is_current() else None,
        "vault": vault,
    }


def _wait(process: Process, url: str) -> None:
    try:
        process.wait_until_answering(url, deadline_s=DEADLINE_S)
    except Failure:
        if process.popen.poll() != _IS_MISTAKEN:
            raise
        raise Failure(process.log_tail().splitlines()[-1]) from None
