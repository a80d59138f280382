"""A change makes outdated what depends on it, and nothing else, as soon as the Worker is poked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from threading import Event

import httpx
import pytest
import scripted
from edge import SECRET, Database, Edge, EdgeOf, Variables, eventually
from upstream import forward, holding

from local import stack

HIT = "supabase-edge-cache; hit"

TABLES: dict[str, object] = {"articles": {}, "authors": {"watch": True}}

TABLE = "/articles"
ROW_1, ROW_2 = "/articles/1", "/articles/2"
BY_KEY_1, BY_KEY_2 = (f"/rest/v1/articles?select=title&id=eq.{row_id}" for row_id in (1, 2))
EMBEDDING = "/rest/v1/articles?select=title,author:authors(name)&order=id"
ALL = (TABLE, ROW_1, ROW_2, BY_KEY_1, BY_KEY_2, EMBEDDING)

ROWS = """
  truncate articles, authors restart identity;
  insert into authors (name) values ('Ada'), ('Grace');
  insert into articles (title, author_id) values ('One', 1), ('Two', 2);
"""


@dataclass(frozen=True)
class Poked:
    """A Worker that has everything in KV, and the database that pokes it."""

    edge: Edge

    def edit(self, statement: str) -> list[str]:
        """Make a change and poke the Worker. Return the requests for rows that Supabase got.

        This waits until the popular answers were read again.
        """
        self.edge.db.run(statement)
        known = len(self.edge.log.events("announced"))
        begin = self.edge.asked
        self.poke()
        self.edge.log.wait_for("announced", count=known + 1)
        self.edge.settle_all()
        self.edge.kv.wait()
        return [path for path in self.edge.upstream.requests[begin:] if "/rpc/" not in path]

    def poke(self) -> None:
        """Send what pg_net would send now."""
        taken = self.edge.db.http.post("/rpc/take_sent", json={}).raise_for_status().json()
        assert len(taken) == 1
        (request,) = taken
        assert (request["body"], SECRET in str(request)) == ("{}", False)
        httpx.post(request["url"], headers=request["headers"], content="{}").raise_for_status()

    def require_hits(self, paths: Iterable[str]) -> None:
        """Fail if the Worker has to ask for what readers want."""
        for path in paths:
            answer = self.edge.get(path)
            assert answer.headers["cache-status"].startswith(HIT), path
            assert "detail" not in answer.headers["cache-status"], path


@pytest.fixture(scope="module")
def project_with_script(database: Database) -> Iterator[Database]:
    """Return the database with the script."""
    with scripted.installed(database, TABLES):
        yield database


@pytest.fixture
def poked(edge_of: EdgeOf, project_with_script: Database, variables: Variables) -> Poked:
    """Return a Worker that knows the catalogue and the outbox, with all of `ALL` in its cache."""
    edge = edge_of({"REVALIDATE_SECRET": SECRET, "TABLES": json.dumps(TABLES)})
    edge.http.headers["apikey"] = variables["SUPABASE_ANON_KEY"]
    edge.upstream.has_script = True
    project_with_script.run(ROWS)
    scripted.tell(project_with_script, f"{edge.url}/revalidate", SECRET)
    project_with_script.http.post("/rpc/take_sent", json={}).raise_for_status()
    poked = Poked(edge)
    edge.tick(minute=1)  # from now on the Worker knows which changes it has heard of
    edge.settle_all()
    for path in ALL:
        edge.get(path).raise_for_status()
    edge.kv.wait()
    poked.require_hits(ALL)
    return poked


def test_an_edit_of_an_author_touches_only_what_shows_authors(poked: Poked) -> None:
    (read,) = poked.edit("update authors set name = 'Ada Lovelace' where id = 1")
    assert "author:authors(name)" in read
    poked.require_hits(ALL)
    shown = poked.edge.get(EMBEDDING).json()
    assert [row["author"]["name"] for row in shown] == ["Ada Lovelace", "Grace"]


def test_a_write_through_the_worker_counts_with_all_that_its_triggers_write(
    poked: Poked, supabase: stack.Supabase
) -> None:
    """No poke comes, because the Worker asks the database itself."""
    edge = poked.edge
    edge.db.run("""
        create function public.rename() returns trigger language plpgsql as $$
        begin update public.authors set name = new.title where id = new.author_id; return new; end
        $$;
        create trigger rename after update on public.articles
          for each row execute function public.rename();
    """)
    try:
        headers = {"apikey": supabase.secret_key}
        edge.http.patch(BY_KEY_1, json={"title": "Eve"}, headers=headers).raise_for_status()
        both = [{"title": "Eve", "author": {"name": "Eve"}}]
        eventually(lambda: edge.get(EMBEDDING).json()[:1] == both, "both tables' rows")
        edge.log.wait_for("announced")
        edge.settle_all()
        poked.require_hits([ROW_2, BY_KEY_2])
    finally:
        edge.db.run("drop function public.rename() cascade")


def test_a_row_that_a_write_names_counts_while_the_database_is_slow(
    poked: Poked, supabase: stack.Supabase
) -> None:
    edge, released = poked.edge, Event()
    edge.upstream.acts.extend([forward, holding(released)])
    edge.http.patch(
        BY_KEY_1, json={"title": "Named"}, headers={"apikey": supabase.secret_key}
    ).raise_for_status()
    eventually(lambda: edge.get(BY_KEY_1).json() == [{"title": "Named"}], "the row")
    poked.require_hits([ROW_2, BY_KEY_2])
    released.set()


def test_an_edit_of_a_row_leaves_other_rows_alone(poked: Poked) -> None:
    """Whatever shows all rows is read again, but the other row is not, and neither is its query."""
    read = poked.edit("update articles set title = 'Edited' where id = 1")
    assert len(read) == len((TABLE, ROW_1, BY_KEY_1, EMBEDDING))
    assert not [path for path in read if "eq.2" in path]
    poked.require_hits(ALL)
    for path in (TABLE, ROW_1, BY_KEY_1, EMBEDDING):
        assert "Edited" in poked.edge.get(path).text, path
