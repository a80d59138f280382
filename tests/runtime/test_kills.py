"""The process dies at the worst moments, and nothing that it received is lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from edge import Database, Edge, EdgeAt, StartWorker, Variables, eventually
from upstream import Server, holding

from local import stack

pytestmark = pytest.mark.played

TABLES = json.dumps({"articles": {}, "authors": {"watch": True}})
EMBEDDING = "/rest/v1/articles?select=title,author:authors(name)&id=eq.2"

Life = Callable[[], tuple[Edge, stack.Worker]]


@pytest.fixture
def articles(database: Database, upstream: Server) -> None:
    """Put three articles into the database. One of them has an author."""
    upstream.script.reset()
    database.reset()
    database.update(2, author_id=1)


@pytest.fixture
def live(start_worker: StartWorker, edge_at: EdgeAt, variables: Variables, tmp_path: Path) -> Life:
    """Return a function that starts a Worker on the state that the last one left."""

    def start() -> tuple[Edge, stack.Worker]:
        worker = start_worker(tmp_path, {"TABLES": TABLES})
        mortal = edge_at(worker)
        mortal.http.headers["apikey"] = variables["SUPABASE_ANON_KEY"]
        return mortal, worker

    return start


def everything(edge: Edge) -> str:
    """Return what readers see of article 2: in the list, as a row, and with its author."""
    return " ".join(edge.get(path).text for path in ("/articles", "/articles/2", EMBEDDING))


@pytest.mark.usefixtures("articles")
def test_a_killed_runtime_loses_nothing(live: Life) -> None:
    """SIGKILL comes right after `received`, then during a refresh.

    After the restart each edit arrives.
    """
    edge, worker = live()
    everything(edge)
    edge.kv.wait()
    for title, moment in (("Edited once", "at once"), ("Edited twice", "while refreshing")):
        killed = threading.Event()
        edge.upstream.always = holding(killed)
        edge.db.update(2, title=title)
        asked = edge.asked
        assert edge.webhook("UPDATE", {"id": 2}).json() == {"received": True}
        if moment == "while refreshing":
            eventually(lambda: edge.asked > asked, "the refresh began")  # noqa: B023
        worker.process.kill()
        edge.upstream.always = None
        killed.set()
        edge, worker = live()
        eventually(lambda: everything(edge).count(title) == 3, f"{title}, {moment}")  # noqa: B023
