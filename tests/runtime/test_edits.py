"""The whole way of a change: the statement, the script's triggers, their requests, the Worker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
import scripted
from edge import SECRET, Database, Edge, EdgeOf, eventually

from local import stack

TABLES: dict[str, object] = {"articles": {}, "authors": {"watch": True}}

QUERY = "/rest/v1/articles?select=title,author:authors(name)&order=id"


@dataclass(frozen=True)
class Told:
    """A Worker, and the database that sends it its changes."""

    edge: Edge
    key: str

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
        """Send the requests that pg_net would send now."""
        taken = self.edge.db.http.post("/rpc/take_sent", json={}).raise_for_status().json()
        for request in taken:
            httpx.post(
                request["url"], headers=request["headers"], content=request["body"]
            ).raise_for_status()

    def drop(self) -> None:
        """Lose the requests that pg_net would send now."""
        self.edge.db.http.post("/rpc/take_sent", json={}).raise_for_status()


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
"""What readers see of the table."""


@pytest.fixture(scope="module")
def project_with_script(database: Database) -> Iterator[Database]:
    """Return the database with the script."""
    with scripted.installed(database, TABLES):
        yield database


@pytest.fixture
def told(edge_of: EdgeOf, project_with_script: Database, supabase: stack.Supabase) -> Told:
    """Return a Worker that gets the database's changes, with these rows in its cache."""
    edge = edge_of({"REVALIDATE_SECRET": SECRET, "TABLES": json.dumps(TABLES)})
    edge.upstream.has_script = True
    project_with_script.run(ROWS)
    scripted.tell(project_with_script, f"{edge.url}/revalidate", SECRET)
    told = Told(edge, supabase.publishable_key)
    told.drop()
    assert told.seen() == BEFORE
    edge.kv.wait()
    assert told.seen() == BEFORE
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
def test_readers_see_every_kind_of_edit(told: Told, edit: str) -> None:
    """They see it in the table, the row and the query, as soon as the Worker learns of it."""
    told.edge.db.run(EDITS[edit])
    after = fresh(told)
    assert after != BEFORE
    told.relay()
    told.comes_to_see(after)


def test_readers_see_what_no_request_told(told: Told) -> None:
    """The cron trigger reads it from the outbox."""
    told.edge.tick(minute=1)  # from now on the Worker knows which changes it has heard of
    told.edge.settle_all()
    assert told.seen() == BEFORE
    for edit in ("update", "insert", "embedded"):
        told.edge.db.run(EDITS[edit])
    told.drop()
    assert told.seen() == BEFORE
    after = fresh(told)
    assert after != BEFORE
    told.edge.tick(minute=2)
    told.comes_to_see(after)
