"""`POST /revalidate`: what Supabase's Database Webhooks tell of reaches the readers."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from edge import SEED, Edge, EdgeOf, StartWorker, eventually, many, payload
from upstream import after, answering, before_answering, forward, hanging_up

from local import stack

CACHE_STATUS = "supabase-edge-cache; "
RECEIVED = {"received": True}

BODY_UNDER_WAY_S = 0.5
"""After so long the Worker waits for the rest of a body."""


def article(row_id: int, title: str, *, published: bool = True) -> dict[str, object]:
    """Return a row."""
    return {"id": row_id, "title": title, "body": "", "published": published}


def test_an_update_reaches_the_list_and_the_row(edge: Edge) -> None:
    """Without anybody calling `GET /revalidate`."""
    edge.get("/articles")
    edge.get("/articles/2")
    edge.db.update(2, title="Edited")
    assert edge.webhook("UPDATE", article(2, "Edited")).json() == RECEIVED
    edge.settle()
    assert edge.titles() == ["First blog", "Edited", "Third blog"]
    row = edge.get("/articles/2")
    assert row.json()["title"] == "Edited"
    assert row.headers["cache-status"] == CACHE_STATUS + "hit"


def test_an_insert_reaches_the_list_and_the_row(edge: Edge) -> None:
    """Without anybody calling `GET /revalidate`."""
    edge.get("/articles")
    edge.db.insert([article(9, "New")])
    edge.webhook("INSERT", article(9, "New"))
    edge.settle()
    assert "New" in edge.titles()
    assert edge.get("/articles/9").json()["title"] == "New"


def test_an_inserted_row_is_looked_up_though_it_was_just_absent(edge: Edge) -> None:
    """A webhook ends the memory of the 404, also for readers who come before the refresh."""
    assert edge.get("/articles/9").status_code == 404
    asked = edge.asked
    edge.db.insert([article(9, "New")])
    assert edge.get("/articles/9").status_code == 404
    assert edge.asked == asked, "the 404 is remembered"
    # What the refresh of the webhook is answered; the reader's own lookup comes after it.
    edge.upstream.acts.extend([answering(401), answering(401)])
    edge.webhook("INSERT", article(9, "New"))
    edge.log.wait_for("refresh_failed", count=2)
    assert "/articles/9" not in edge.kv.contents()
    assert edge.get("/articles/9").json()["title"] == "New"


def test_a_lookup_that_began_before_the_insert_is_not_remembered(edge: Edge) -> None:
    """Its 404 comes after the webhook, and says nothing any more."""

    def insert() -> None:
        edge.db.insert([article(9, "New")])
        edge.upstream.acts.extend([answering(401), answering(401)])
        edge.webhook("INSERT", article(9, "New"))
        edge.log.wait_for("refresh_failed", count=2)

    edge.get("/articles")
    edge.upstream.acts.append(before_answering(insert))
    edge.get("/articles/9")
    assert edge.get("/articles/9").json()["title"] == "New"


def test_a_delete_reaches_the_list_and_the_row(edge: Edge) -> None:
    """The row's entry is removed, and the row is 404."""
    edge.get("/articles")
    edge.get("/articles/2")
    edge.db.delete(2)
    edge.webhook("DELETE", article(2, "Second blog"))
    edge.settle()
    assert "Second blog" not in edge.titles()
    assert "/articles/2" not in edge.kv.contents()
    assert edge.get("/articles/2").status_code == 404


def test_an_update_of_the_id_touches_both_rows(edge: Edge) -> None:
    """The old id is gone, the new one is there."""
    edge.get("/articles/2")
    assert edge.get("/articles/20").status_code == 404
    edge.db.delete(2)
    edge.db.insert([article(20, "Second blog")])
    edge.webhook("UPDATE", article(20, "Second blog"), old_record=article(2, "Second blog"))
    edge.settle()
    assert edge.get("/articles/2").status_code == 404
    assert edge.get("/articles/20").json()["title"] == "Second blog"


def test_a_row_that_is_unpublished_disappears(edge: Edge) -> None:
    """Row level security hides it from the public key, so from the readers."""
    edge.get("/articles")
    edge.get("/articles/2")
    edge.db.update(2, published=False)
    edge.webhook("UPDATE", article(2, "Second blog", published=False))
    edge.settle()
    assert "Second blog" not in edge.titles()
    assert edge.get("/articles/2").status_code == 404


def test_nothing_of_the_record_is_kept(edge: Edge, worker_state: Path) -> None:
    """A hidden row or column appears nowhere: not in KV, storage or logs."""
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


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (0, 0, 1, 2, 2, 1), (1,)])
def test_duplicates_and_any_order_give_the_same_end(edge: Edge, order: tuple[int, ...]) -> None:
    """The payload is not believed; the database is asked."""
    states = ["One", "Two", "Three"]
    for title in states:
        edge.db.update(1, title=title)
    for number in order:
        edge.webhook("UPDATE", article(1, states[number]))
    edge.settle()
    assert edge.titles()[0] == edge.get("/articles/1").json()["title"] == "Three"


@pytest.mark.parametrize("extra", [{"table": "users"}, {"schema": "private"}])
def test_another_table_or_schema_is_no_work_for_this_one(edge: Edge, extra: dict[str, str]) -> None:
    """One hook may watch several tables; where nothing may depend on them, nothing is read."""
    response = edge.webhook("INSERT", article(9, "New"), **extra)
    assert (response.status_code, response.json()) == (200, {"received": True})
    assert edge.log.wait_for("received")[0]["table"] == "another"
    assert (edge.asked, edge.status()["pending"]) == (0, 0)


BAD = {
    "not JSON": b"record=1",
    "empty": b"",
    "not UTF-8": b"\xff\xfe",
    "an array": b"[]",
    "deep": b"[" * 100_000,
    "another type": json.dumps({**payload("INSERT", {"id": 1}), "type": "SELECT"}).encode(),
    "type is no text": json.dumps({**payload("INSERT", {"id": 1}), "type": ["INSERT"]}).encode(),
    "type is a number": json.dumps({**payload("INSERT", {"id": 1}), "type": 1}).encode(),
    "UTF-16": json.dumps(payload("INSERT", {"id": 1})).encode("utf-16"),
    "deep in UTF-32": ("[" * 100_000).encode("utf-32"),
    "escaped quotes without an end": b'["' + b'\\"' * 500_000,
    "no table": json.dumps({"type": "INSERT", "record": {"id": 1}}).encode(),
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_a_bad_payload_is_refused(edge: Edge, body: bytes) -> None:
    """As a problem, and nothing is recorded."""
    response = edge.http.post("/revalidate", content=body)
    assert response.status_code == 400
    assert response.json()["type"] == "urn:supabase-edge-cache:bad-payload"
    assert (edge.asked, edge.status()["pending"]) == (0, 0)


def test_a_payload_that_is_too_large_is_refused(edge: Edge) -> None:
    """Over 10 MiB; one just below it is taken."""
    large = payload("INSERT", {"id": 1, "title": "x" * 10 * 1024 * 1024})
    response = edge.http.post("/revalidate", json=large)
    assert (response.status_code, edge.status()["pending"]) == (413, 0)
    fits = payload("INSERT", {"id": 1, "title": "x" * (10 * 1024 * 1024 - 1000)})
    assert edge.http.post("/revalidate", json=fits).json() == RECEIVED


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_the_content_type_does_not_matter(edge: Edge, content_type: str) -> None:
    """If the body is right, it is taken."""
    body = json.dumps(payload("UPDATE", article(1, "x"))).encode()
    headers = {"content-type": content_type}
    assert edge.http.post("/revalidate", content=body, headers=headers).json() == RECEIVED


def test_a_row_that_fails_holds_up_no_other(edge: Edge) -> None:
    """It stays pending; the others are refreshed."""
    edge.get("/articles/2")
    edge.db.update(2, title="Edited")
    edge.upstream.acts.extend([forward, answering(406, b'{"code":"PGRST116"}')])
    edge.webhook("UPDATE", article(2, "x"), old_record=article(1, "x"))
    edge.settle()
    assert edge.status()["pending"] == 0
    assert edge.get("/articles/2").json()["title"] == "Edited"


def test_it_is_acknowledged_before_the_refresh(edge: Edge) -> None:
    """Supabase waits for one second only, however slow its own REST interface is."""
    edge.get("/articles")
    edge.upstream.always = after(1.5, forward)
    response = edge.webhook("UPDATE", article(1, "x"))
    assert response.json() == RECEIVED
    assert not edge.log.events("applied")
    edge.settle()


def test_a_change_is_not_lost_while_supabase_fails(edge: Edge) -> None:
    """It is tried again until it arrives, and readers never see an error."""
    edge.get("/articles")
    edge.get("/articles/2")
    edge.upstream.always = hanging_up
    edge.db.update(2, title="Edited meanwhile")
    assert edge.webhook("UPDATE", article(2, "Edited meanwhile")).json() == RECEIVED
    edge.log.wait_for("retry_scheduled", count=2)
    assert edge.titles() == [row["title"] for row in SEED]
    assert edge.get("/articles/2").status_code == 200
    assert edge.status()["pending"] > 0
    edge.upstream.always = None
    edge.settle()
    assert edge.titles()[1] == edge.get("/articles/2").json()["title"] == "Edited meanwhile"


def test_the_pauses_between_attempts_grow(edge: Edge) -> None:
    """A remote that is down is not hammered, however many webhooks come."""
    edge.get("/articles")
    edge.upstream.always = answering(401)
    for _ in range(30):
        edge.webhook("UPDATE", article(1, "x"))
    scheduled = edge.log.wait_for("retry_scheduled", count=6)
    for key in ("/articles", "/articles/1"):
        pauses = [line["in_s"] for line in scheduled if line["key"] == key]
        assert len(pauses) >= 2
        assert pauses == sorted(pauses)  # type: ignore[type-var]
    assert edge.asked <= len(edge.log.events("retry_scheduled")) + 3


def test_a_thousand_webhooks_cost_a_few_reads(edge: Edge) -> None:
    """Reads and writes stay bounded, and the end state is the database's."""
    edge.db.replace([article(n, f"Article {n}") for n in range(1, 1001)])
    edge.get("/articles")
    edge.db.http.patch(
        "/articles", params={"id": "gt.0"}, json={"title": "Edited"}
    ).raise_for_status()
    burst: list[tuple[str, str, object]] = [
        ("POST", "/revalidate", payload("UPDATE", article(n, "Edited"))) for n in range(1, 1001)
    ]
    begun = time.monotonic()
    url = str(edge.http.base_url)
    answers = [
        answer
        for start in range(0, 1000, 100)
        for answer in asyncio.run(many(url, burst[start : start + 100]))
    ]
    assert all(answer.json() == RECEIVED for answer in answers)
    edge.settle()
    seconds = time.monotonic() - begun
    assert edge.asked <= 25 + 2 * seconds
    assert len(edge.log.events("refreshed")) <= 25 + 2 * seconds
    assert {row["title"] for row in edge.get("/articles").json()} == {"Edited"}
    assert edge.get("/articles/500").json()["title"] == "Edited"


@pytest.fixture
def revive(
    edge: Edge, edge_of: EdgeOf, start_worker: StartWorker, tmp_path: Path
) -> Callable[[], tuple[Edge, stack.Worker]]:
    """Return a function that starts a Worker on the state that the one before it left."""
    assert edge.asked == 0  # the remote that the Workers share was reset

    def start() -> tuple[Edge, stack.Worker]:
        worker = start_worker(state=tmp_path)
        return edge_of(worker, reset=False), worker

    return start


@pytest.mark.parametrize("moment", ["at once", "while refreshing"])
def test_a_killed_runtime_loses_nothing(
    revive: Callable[[], tuple[Edge, stack.Worker]], moment: str
) -> None:
    """SIGKILL right after `received`; started again, the edit arrives."""
    mortal, worker = revive()
    mortal.get("/articles")
    mortal.get("/articles/2")
    mortal.db.update(2, title="Edited before the crash")
    mortal.upstream.always = after(30, forward)
    asked = mortal.asked
    assert mortal.webhook("UPDATE", article(2, "x")).json() == RECEIVED
    if moment == "while refreshing":
        eventually(lambda: mortal.asked > asked, "the refresh began")
    worker.process.kill()
    mortal.upstream.always = None
    again, _ = revive()
    eventually(lambda: "Edited before the crash" in again.titles(), "the edit arrives", 30)
    eventually(lambda: "before the crash" in again.get("/articles/2").text, "in the row too", 30)


def test_a_client_that_hangs_up_amid_its_payload_is_no_fault_of_the_worker(edge: Edge) -> None:
    """It is refused, and nothing is recorded."""
    url = edge.http.base_url
    with socket.create_connection((url.host, url.port or 80)) as client:
        head = f"POST /revalidate HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 1000\r\n\r\n"
        client.sendall(head.encode() + b'{"type":')
        time.sleep(BODY_UNDER_WAY_S)
    (refused,) = edge.log.wait_for("refused")
    assert refused["type"] == "bad-payload"
    assert not edge.log.events("internal_error")
