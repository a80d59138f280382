"""Pokes that never came: the cron trigger asks the database's outbox for the changes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from edge import SECRET, SEED, Edge, eventually
from upstream import Act, Handler, answering, forward

QUERY = "/rest/v1/articles?select=title&id=eq.2"


@dataclass
class Outbox:
    """A project's outbox: the changes that it announces, and the requests that it got."""

    changes: list[dict[str, object]] = field(default_factory=list)
    fails: Act | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def announce(self, number: int, keys: list[object] | None, table: str = "articles") -> None:
        """Announce one more change."""
        told = {"id": number, "schema": "public", "table": table, "keys": keys}
        self.changes.append(told)

    def play(self, handler: Handler) -> None:
        """Answer the function's calls, and leave everything else to Supabase."""
        if not handler.path.endswith("/rpc/edge_cache_changes"):
            return forward(handler)
        self.asked.append(json.loads(b"".join(handler.body)))
        if self.fails:
            return self.fails(handler)
        told = {
            "cursor": f"c{len(self.asked)}",
            "complete": True,
            "changes": self.changes,
            "watched": [["public", "articles"]],
        }
        return handler.answer(200, json.dumps(told).encode())


@pytest.fixture
def edge(guarded: Edge) -> Edge:
    """Return a Worker with a secret. KV has the list, two rows and a query."""
    guarded.http.headers["apikey"] = guarded.db.http.headers["apikey"].replace(
        "secret", "publishable"
    )
    for path in ("/articles", "/articles/1", "/articles/2", QUERY):
        guarded.get(path).raise_for_status()
    guarded.kv.wait()
    return guarded


@pytest.fixture
def outbox(edge: Edge) -> Outbox:
    """Return the outbox of the project behind that Worker. The Worker has asked it once."""
    outbox = Outbox()
    edge.upstream.always = outbox.play
    edge.tick(1)
    eventually(lambda: len(outbox.asked) == 1, "the outbox is asked")
    eventually(lambda: _outbox_of(edge)["installed"] is True, "it is known to be there")
    return outbox


def _outbox_of(edge: Edge) -> dict[str, Any]:
    told: dict[str, Any] = edge.get("/health").json()["project"]["outbox"]
    return told


def _shown(edge: Edge) -> set[str]:
    """Return the titles of article 2 that readers see."""
    listed = edge.get("/articles").json()[1]
    return {
        found["title"]
        for found in (listed, edge.get("/articles/2").json(), edge.get(QUERY).json()[0])
    }


def test_what_no_poke_told_is_made_up_for(edge: Edge, outbox: Outbox) -> None:
    """The list, the row and the query are refreshed. The other row is not read again."""
    edge.db.update(2, title="Edited")
    outbox.announce(1, [2])
    assert _shown(edge) == {SEED[1]["title"]}
    edge.tick(2)
    eventually(lambda: _shown(edge) == {"Edited"}, "readers see the edit")
    asked = edge.asked
    assert edge.get("/articles/1").json() == SEED[0]
    assert edge.asked == asked
    (announced,) = edge.log.wait_for("announced")
    assert announced == {"event": "announced", "changes": 1, "complete": True}
    assert outbox.asked == [{"secret": SECRET, "after": after} for after in (None, "c1")]
    assert not any(SECRET.split(maxsplit=1)[0] in path for path in edge.upstream.requests)
    assert SECRET not in edge.log.text()


def test_an_outbox_that_fails_is_asked_again(edge: Edge, outbox: Outbox) -> None:
    """The next question begins at the same moment. Until then readers get what they had."""
    edge.db.update(2, title="Edited")
    outbox.announce(1, [2])
    outbox.fails = answering(403, b'{"code":"28P01","message":"secret"}')
    edge.tick(2)
    assert edge.log.wait_for("outbox_failed")[0]["type"] == "supabase-rejected"
    assert edge.log.wait_for("catch_up_failed")[0]["type"] == "supabase-rejected"
    assert _outbox_of(edge)["error"] == "supabase-rejected"
    assert _shown(edge) == {SEED[1]["title"]}
    outbox.fails = None
    edge.tick(3)
    eventually(lambda: _shown(edge) == {"Edited"}, "readers see the edit")
    assert {asked["after"] for asked in outbox.asked[1:]} == {"c1"}
    assert _outbox_of(edge)["error"] is None
