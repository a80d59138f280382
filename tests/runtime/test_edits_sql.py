"""From the statement to the reader: the script's triggers, what they send, and the Worker."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from edge import Database, Edge, Kv, Log, StartWorker, eventually
from upstream import serving

from edge_cache.tables import declared_in
from local import stack
from shared import edge_sql

HERE = Path(__file__).parent

SECRET = "of the webhook"

TABLES = json.dumps({"articles": {}, "authors": {"watch": True}})

SCRIPT = edge_sql.installing(declared_in(TABLES))

QUERY = "/rest/v1/articles?select=title,author:authors(name)&order=id"

PAUSE_S = 0.05


@dataclass(frozen=True)
class Told:
    """A Worker, and the database that tells it of changes."""

    edge: Edge
    key: str

    def run(self, statements: str) -> None:
        """Run SQL in the database."""
        told = self.edge.db.http.post("/rpc/run", json={"statements": statements})
        assert told.is_success, told.text

    def seen(self) -> object:
        """Return what readers see: the table, three of its rows, and a query that embeds."""
        query = self.edge.get(QUERY, apikey=self.key)
        rows = [self.edge.get(f"/articles/{row_id}") for row_id in (1, 2, 200)]
        return [
            [row["title"] for row in self.edge.get("/articles").json()],
            [row.json()["title"] if row.is_success else row.status_code for row in rows],
            [[row["title"], (row["author"] or {}).get("name")] for row in query.json()],
        ]

    def comes_to_see(self, expected: object) -> None:
        """Wait until readers see something."""
        eventually(lambda: self.seen() == expected, f"readers see {expected}")

    def relay(self) -> None:
        """Send what pg_net would send now."""
        taken = self.edge.db.http.post("/rpc/take_sent", json={}).raise_for_status().json()
        for request in taken:
            httpx.post(
                request["url"], headers=request["headers"], content=request["body"]
            ).raise_for_status()

    def drop(self) -> None:
        """Lose what pg_net would send now."""
        self.edge.db.http.post("/rpc/take_sent", json={}).raise_for_status()

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Send as pg_net does, all the time."""
        over = threading.Event()

        def work() -> None:
            while not over.wait(PAUSE_S):
                self.relay()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@pytest.fixture(scope="module")
def project_with_script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stack.Supabase]:
    """Return a Supabase in which the script's objects are; what it inserts comes later."""
    schemas = tmp_path_factory.mktemp("schemas")
    texts = [(HERE / file).read_text() for file in ("stand_ins.sql", "doors.sql")]
    (schemas / "told.sql").write_text("\n".join([*texts, SCRIPT]))
    running = stack.start_supabase(
        tmp_path_factory.mktemp("told"), stack.free_port(), more_schemas=schemas
    )
    yield running
    running.process.stop()


@pytest.fixture(scope="module")
def told(project_with_script: stack.Supabase, start_worker: StartWorker) -> Iterator[Told]:
    """Return a Worker that the project's database tells of its changes."""
    supabase = project_with_script
    with serving(supabase.url) as upstream:
        worker = start_worker(
            {"SUPABASE_URL": upstream.url, "REVALIDATE_SECRET": SECRET, "TABLES": TABLES}
        )
        with (
            httpx.Client(base_url=worker.url, timeout=60) as http,
            httpx.Client(
                base_url=f"{supabase.url}/rest/v1",
                headers={"apikey": supabase.secret_key},
                timeout=60,
            ) as api,
        ):
            log = Log(worker.process.log, 0)
            edge = Edge(http, Kv(http), Database(api), upstream.script, log)
            told = Told(edge, supabase.publishable_key)
            told.run(SCRIPT.replace("\nbegin;\n", "\n").replace("\ncommit;\n", "\n"))
            told.run(f"""
                insert into vault.secrets values
                  ('edge_cache_url', '{worker.url}/revalidate'), ('edge_cache_secret', '{SECRET}')
            """)
            yield told


ROWS = """
  truncate articles, authors restart identity;
  insert into authors (name) values ('Ada'), ('Grace');
  insert into articles (title, author_id) values ('One', 1), ('Two', 2);
"""

EDITS = {
    "insert": "insert into articles (id, title) values (200, 'New')",
    "update": "update articles set title = 'Edited' where id = 1",
    "delete": "delete from articles where id = 2",
    "draft": "update articles set published = false where id = 1",
    "key": "update articles set id = 200 where id = 1",
    "upsert": "insert into articles (id, title) values (2, 'Upserted'), (200, 'New')"
    " on conflict (id) do update set title = excluded.title",
    "merge": "merge into articles using (values (1), (200)) as source (n) on n = id"
    " when matched then delete when not matched then insert (id, title) values (n, 'Merged')",
    "bulk": "insert into articles (id, title) select n, 'Row ' || n from generate_series(3, 300) n",
    "truncate": "truncate articles",
    "embedded": "update authors set name = 'Ada Lovelace' where id = 1",
}


BEFORE: object = [["One", "Two"], ["One", "Two", 404], [["One", "Ada"], ["Two", "Grace"]]]
"""What readers see of it."""


@pytest.fixture
def filled(told: Told) -> Told:
    """Return the Worker with these rows cached."""
    told.run(ROWS)
    told.relay()
    told.edge.settle_all()
    told.comes_to_see(BEFORE)
    return told


def fresh(told: Told) -> object:
    """Return what readers would see if nothing were cached."""
    query = "select=id,title,author:authors(name)&published=is.true&order=id"
    rows = told.edge.db.http.get(f"/articles?{query}").json()
    titles = {row["id"]: row["title"] for row in rows}
    return [
        [row["title"] for row in rows],
        [titles.get(row_id, 404) for row_id in (1, 2, 200)],
        [[row["title"], (row["author"] or {}).get("name")] for row in rows],
    ]


@pytest.mark.parametrize("edit", EDITS)
def test_readers_see_every_kind_of_edit(filled: Told, edit: str) -> None:
    """Of the table, of a row, and of a query, once they are told of it."""
    with filled.sending():
        filled.run(EDITS[edit])
        after = fresh(filled)
        assert after != BEFORE
        filled.comes_to_see(after)


def test_readers_see_what_no_request_told(filled: Told) -> None:
    """From the outbox, when the cron trigger fires."""
    filled.edge.tick(minute=1)  # from here on it is known what was told
    filled.edge.settle_all()
    assert filled.seen() == BEFORE
    seen = BEFORE
    for edit in ("update", "insert", "embedded"):
        filled.run(EDITS[edit])
        filled.drop()
        assert filled.seen() == seen
        after = fresh(filled)
        filled.edge.tick(minute=2)
        filled.comes_to_see(after)
        assert after != seen
        seen = after
