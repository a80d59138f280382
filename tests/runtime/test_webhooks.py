"""`POST /revalidate`: readers see the changes that Supabase's Database Webhooks report."""

from __future__ import annotations

import json
import socket
import threading
import time
from itertools import count
from pathlib import Path

import pytest
from edge import SEED, Edge, eventually, payload
from upstream import Act, Handler, answering, cut_off, forward, holding

CACHE_STATUS = "supabase-edge-cache; "
RECEIVED = {"received": True}


def article(row_id: int, title: str, *, published: bool = True) -> dict[str, object]:
    """Return a row."""
    return {"id": row_id, "title": title, "body": "", "published": published}


def only_for(part: str, act: Act) -> Act:
    """Return an act for requests whose URL has the part; the others are passed on."""

    def acting(handler: Handler) -> None:
        (act if part in handler.path else forward)(handler)

    return acting


def test_an_update_reaches_the_list_and_the_row(edge: Edge) -> None:
    """Nobody calls `GET /revalidate`."""
    edge.get("/articles")
    edge.get("/articles/2")
    edge.db.update(2, title="Edited")
    assert edge.webhook("UPDATE", article(2, "Edited")).json() == RECEIVED
    edge.settle()
    assert edge.titles() == ["First blog", "Edited", "Third blog"]
    row = edge.get_from_kv("/articles/2")
    assert row.json()["title"] == "Edited"
    assert row.headers["cache-status"] == CACHE_STATUS + "hit"


def test_an_inserted_row_is_looked_up_though_it_was_just_absent(edge: Edge) -> None:
    """A webhook ends the memory of the 404, even for readers who come before the refresh."""
    assert edge.get("/articles/9").status_code == 404
    asked = edge.asked
    edge.db.insert([article(9, "New")])
    assert edge.get("/articles/9").status_code == 404
    assert edge.asked == asked, "the 404 is remembered"
    edge.webhook("INSERT", article(9, "New"))
    assert edge.get("/articles/9").json()["title"] == "New"
    edge.settle()
    assert "New" in edge.titles()


@pytest.mark.parametrize("kind", ["DELETE", "UPDATE"])
def test_a_row_that_is_deleted_or_unpublished_disappears(edge: Edge, kind: str) -> None:
    """Row level security hides it from the public key, and so from readers."""
    edge.get("/articles")
    edge.get("/articles/2")
    if kind == "DELETE":
        edge.db.delete(2)
    else:
        edge.db.update(2, published=False)
    edge.webhook(kind, article(2, "Second blog", published=False))
    edge.settle()
    assert "Second blog" not in edge.titles()
    assert "/articles/2" not in edge.kv.contents()
    assert edge.get("/articles/2").status_code == 404


def test_nothing_of_the_record_is_kept(edge: Edge, worker_state: Path) -> None:
    """A hidden row or column appears nowhere: not in KV, in storage or in logs."""
    hidden = "hidden-from-the-public"
    row = {**article(50, hidden, published=False), "secret_column": hidden}
    edge.db.insert([article(50, hidden, published=False)])
    edge.webhook("INSERT", row)
    edge.settle()
    edge.get("/articles")
    edge.get("/articles/50")
    edge.log.wait_for("applied")
    stored = [path.read_bytes() for path in worker_state.rglob("*") if path.is_file()]
    assert len(stored) > 2
    assert not [1 for content in stored if hidden.encode() in content]


BAD = {
    "not JSON": b"record=1",
    "deep": b"[" * 100_000,
    "deep in UTF-32": ("[" * 100_000).encode("utf-32"),
    "escaped quotes without an end": b'["' + b'\\"' * 500_000,
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_a_bad_payload_is_refused(edge: Edge, body: bytes) -> None:
    """The answer is a problem, and nothing is recorded.

    The isolate survives a payload of any depth.
    """
    response = edge.http.post("/revalidate", content=body)
    assert response.status_code == 400
    assert response.json()["type"] == "urn:supabase-edge-cache:bad-payload"
    assert (edge.asked, edge.status()["pending"]) == (0, 0)


def test_the_deepest_row_and_payload_are_taken(edge: Edge) -> None:
    """Ten thousand brackets, five hundred levels deep, do not overflow the stack."""
    worst = b"[" + b",".join([b"[" * 480 + b"]" * 480] * 100) + b"]"
    row = b'{"id":2,"title":' + worst + b"}"
    edge.upstream.always = only_for("id=eq.", answering(200, row))
    assert edge.get("/articles/2").content == row
    body = b'{"type":"UPDATE","table":"articles","schema":"public","record":{"id":1,"x":%s},'
    body = body % worst + b'"old_record":{"id":1}}'
    assert edge.http.post("/revalidate", content=body).json() == RECEIVED


def test_a_payload_that_is_too_large_is_refused(edge: Edge) -> None:
    """The limit is 10 MiB; a payload just below it is accepted."""
    large = payload("INSERT", {"id": 1, "title": "x" * 10 * 1024 * 1024})
    response = edge.http.post("/revalidate", json=large)
    assert (response.status_code, edge.status()["pending"]) == (413, 0)
    fits = payload("INSERT", {"id": 1, "title": "x" * (10 * 1024 * 1024 - 1000)})
    assert edge.http.post("/revalidate", json=fits).json() == RECEIVED


def test_the_content_type_does_not_matter(edge: Edge) -> None:
    """Only the body matters."""
    body = json.dumps(payload("UPDATE", article(1, "x"))).encode()
    for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        headers = {"content-type": content_type}
        assert edge.http.post("/revalidate", content=body, headers=headers).json() == RECEIVED


def test_it_is_acknowledged_before_the_refresh(edge: Edge) -> None:
    """Supabase waits only one second, even if its own REST interface is slow."""
    edge.get("/articles")
    edge.kv.wait()
    acknowledged = threading.Event()
    edge.upstream.always = holding(acknowledged)
    assert edge.webhook("UPDATE", article(1, "x")).json() == RECEIVED
    assert edge.log.events("refreshed") == []
    acknowledged.set()
    edge.log.wait_for("refreshed")
    edge.settle()


def test_a_row_that_cannot_be_read_keeps_its_entry(edge: Edge) -> None:
    """Its change is pending. Meanwhile the other row's change and the list's arrive."""
    for row_id in (2, 3):
        edge.get(f"/articles/{row_id}")
    edge.get("/articles")
    edge.kv.wait()
    before = edge.kv.value("/articles/2")
    edge.upstream.always = only_for("id=eq.2", cut_off)
    edge.db.update(2, title="Edited")
    edge.db.update(3, title="Edited too")
    edge.webhook("UPDATE", article(2, "")).raise_for_status()
    edge.webhook("UPDATE", article(3, "")).raise_for_status()
    edge.log.wait_for("retry_scheduled")
    eventually(lambda: edge.get("/articles/3").json()["title"] == "Edited too", "the other row")
    eventually(lambda: edge.titles() == ["First blog", "Edited", "Edited too"], "the list")
    assert edge.kv.value("/articles/2") == before
    assert edge.get("/articles/2").json() == SEED[1]
    eventually(lambda: edge.status()["pending"] == 1, "only that row is pending")
    edge.upstream.always = None
    edge.settle()
    assert edge.get("/articles/2").json()["title"] == "Edited"


def test_a_client_that_hangs_up_amid_its_payload_is_no_fault_of_the_worker(edge: Edge) -> None:
    """The payload is refused, and nothing is recorded."""
    url = edge.http.base_url
    head = f"POST /revalidate HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 1000\r\n\r\n"
    patience_s = count(start=1)

    def is_refused() -> bool:
        """Hang up, a little later each time: the Worker has to be waiting for the rest."""
        with socket.create_connection((url.host, url.port or 80)) as client:
            client.sendall(head.encode() + b'{"type":')
            time.sleep(next(patience_s) / 4)
        return bool(edge.log.events("refused"))

    eventually(is_refused, "it is refused")
    assert {line["type"] for line in edge.log.events("refused")} == {"bad-payload"}
    assert not edge.log.events("internal_error")
