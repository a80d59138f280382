"""Makes a version of the Worker write its state, and archives it: see README.md beside this.

It runs in a checkout of that version, with the scripts and the test helpers of that version.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

CHECKOUT = Path.cwd()
sys.path[:0] = [str(CHECKOUT / "scripts"), str(CHECKOUT / "tests" / "runtime")]

import httpx  # noqa: E402  the path comes first
from edge import Database, Edge, Kv, Log  # noqa: E402
from upstream import Server, answering, serving  # noqa: E402

from local import stack  # noqa: E402
from local.stack import Supabase  # noqa: E402

TABLES: dict[str, dict[str, str]] = {"articles": {}, "authors": {}}
READ = (
    *("/articles", "/articles/1", "/articles/2", "/articles/3"),
    *("/authors", "/rest/v1/authors?select=name&order=id"),
    "/rest/v1/articles?select=title&order=id",
    "/rest/v1/articles?select=title,author:authors(name)&order=id",
)
READ_AGAIN = tuple(path for path in READ if path != "/articles/3")
STORED_AFTER_S = 7
"""After 5 s the object stores which queries readers want."""

FOLDERS = ("kv", "do/supabase-edge-cache-Refresher")
"""What Cloudflare keeps of a Worker; the rest is Miniflare's own."""


def write(edge: Edge) -> None:
    """Fill KV and the objects' storage. At the end Supabase is down and a change is pending."""
    edge.db.reset()
    for path in READ:
        edge.get(path).raise_for_status()
    edge.get("/revalidate").raise_for_status()  # row 3 is outdated from now on
    for path in READ_AGAIN:
        edge.get(path).raise_for_status()
    time.sleep(STORED_AFTER_S)
    edge.db.update(2, title="Edited")
    edge.upstream.always = answering(503, b'{"code":"PGRST000","message":"down"}')
    edge.http.post(
        "/revalidate",
        json={
            "type": "UPDATE",
            "schema": "public",
            "table": "articles",
            "record": {"id": 2},
            "old_record": {"id": 2},
        },
    ).raise_for_status()
    edge.log.wait_for("retry_scheduled", count=4)


def start_worker(supabase: Supabase, server: Server, folder: Path) -> stack.Worker:
    """Start the Worker of the checkout."""
    return stack.start_worker(
        port=stack.free_port(),
        state=folder,
        variables={
            "SUPABASE_URL": server.url,
            "SUPABASE_ANON_KEY": supabase.publishable_key,
            "TABLES": json.dumps(TABLES),
        },
        log=folder / "worker.log",
    )


def main() -> int:
    """Start everything, let it write, end it as a crash would, and archive the state."""
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as running:
        folder = Path(temporary)
        supabase = stack.start_supabase(folder / "supabase", stack.free_port())
        running.callback(supabase.process.stop)
        server = running.enter_context(serving(supabase.url))
        worker = start_worker(supabase, server, folder / "worker")
        running.callback(worker.process.stop)
        secret, public = (
            {"apikey": key} for key in (supabase.secret_key, supabase.publishable_key)
        )
        rest = httpx.Client(base_url=f"{supabase.url}/rest/v1", headers=secret)
        http = httpx.Client(base_url=worker.url, headers=public, timeout=60)
        log = Log(worker.process.log, 0)
        write(Edge(http, Kv(http), Database(rest), server.script, log))
        worker.process.kill()
        with tarfile.open(sys.argv[1], "w:xz") as archive:
            for name in FOLDERS:
                archive.add(folder / "worker" / "v3" / name, f"v3/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
