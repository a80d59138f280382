"""`/revalidate`: who may use it, what it refreshes, and what happens with a webhook."""

from __future__ import annotations

import json

import pytest
from fake_postgrest import Outbox
from program import BEARER, NOBODY_READS_IT, SECRET, Program

LOCAL = "http://localhost:8787/revalidate"
WEBHOOK = json.dumps(
    {
        "type": "UPDATE",
        "table": "articles",
        "schema": "public",
        "record": {"id": 7, "title": "private"},
        "old_record": {"id": 7},
    }
).encode()
RECEIVED = {"received": True}


@pytest.fixture
def program(program: Program) -> Program:
    """Return a program with a row in each table."""
    program.supabase.write("articles", id=7, title="old")
    program.supabase.write("products", sku="x", price=1)
    return program


def webhook(**others: object) -> bytes:
    """Return the payload of an UPDATE of an article, with other members."""
    return json.dumps({**json.loads(WEBHOOK), **others}).encode()


async def changes(program: Program) -> bool:
    """Tell whether any recorded change is carried out."""
    await program.live(3)
    return bool(program.supabase.asked or program.kv.done or program.events("applied"))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, 'Bearer realm="revalidate"'),
        ({"authorization": "Bearer x"}, 'Bearer realm="revalidate", error="invalid_token"'),
    ],
)
async def test_without_the_secret_nothing_is_done(
    program: Program, method: str, headers: dict[str, str], challenge: str
) -> None:
    """If a wrong secret was sent, the body is not even read. Else it may be a poke."""
    body = NOBODY_READS_IT if headers or method == "GET" else WEBHOOK
    answer = await program.ask(method, "/revalidate", headers, body)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, challenge)
    assert answer.slug == "unauthorized"
    assert not await changes(program)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_where_no_secret_is_set_only_this_machine_may(method: str) -> None:
    """On other machines the answer is 503, before the body is read."""
    program = Program(revalidate_secret=None)
    program.supabase.tables = {"articles": [], "products": []}
    refused = await program.ask(method, "/revalidate", BEARER, NOBODY_READS_IT)
    assert (refused.status, refused.slug) == (503, "secret-not-configured")
    foreign = {"origin": "https://example.com"}
    refused = await program.ask(method, LOCAL, foreign, NOBODY_READS_IT)
    assert (refused.status, refused.slug) == (403, "foreign-origin")
    assert (await program.ask(method, LOCAL, {}, WEBHOOK)).status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_with_the_secret_the_page_of_another_site_may(program: Program, method: str) -> None:
    sent = {"origin": "https://example.com", **BEARER}
    assert (await program.ask(method, LOCAL, sent, WEBHOOK)).status == 200


async def test_a_get_reads_every_table_anew(program: Program) -> None:
    """The tables are read side by side, so the caller waits only for the slowest.

    Then KV has them.
    """
    program.supabase.delay_s = 2
    answer = await program.revalidate()
    assert (answer.status, answer.json) == (200, RECEIVED)
    assert answer.headers["cache-control"] == "no-store"
    assert 2 <= program.clock.passed_s < 3
    assert sorted(program.supabase.asked) == ["/articles", "/products"]
    assert program.kv.json("/articles") == [{"id": 7, "title": "old"}]
    assert program.kv.json("/products") == [{"sku": "x", "price": 1}]
    assert program.log[-1] == {"event": "revalidated", "tables": ["articles", "products"]}


async def test_after_a_get_rows_and_queries_are_outdated(program: Program) -> None:
    """Queries of views, of functions and of several tables are outdated, too."""
    queries = ["articles?select=title", "articles?select=title,author(name)"]
    await program.get("/articles/7")
    for query in queries:
        await program.query(query)
    await program.live(1)
    program.supabase.write("articles", id=7, title="new")
    assert (await program.revalidate()).status == 200
    assert (await program.get("/articles/7")).json["title"] == "new"
    for query in queries:
        assert (await program.query(query)).json[0]["title"] == "new"


async def test_a_table_that_fails_does_not_keep_the_others_from_being_read(
    program: Program,
) -> None:
    """All reads end first. Then the answer is the error of the first table that failed."""
    await program.revalidate()
    program.supabase.write("products", sku="x", price=2)
    program.supabase.refuse(504, "57014", of="/articles")
    answer = await program.revalidate()
    assert (answer.status, answer.slug) == (504, "supabase-timeout")
    assert program.kv.json("/products") == [{"sku": "x", "price": 2}]
    assert program.kv.json("/articles") == [{"id": 7, "title": "old"}]
    assert program.log[-1]["event"] == "refused"


async def test_an_unexpected_exception_of_a_revalidation_is_a_500(program: Program) -> None:
    """It must not look like a success."""
    program.supabase.fail(ZeroDivisionError("private"), of="/products")
    answer = await program.revalidate()
    assert (answer.status, answer.slug) == (500, "internal-error")


async def test_a_webhook_refreshes_what_it_tells_of(program: Program) -> None:
    """The sender does not wait for Supabase, but the entries do. The log has nothing of a row."""
    for path in ("/articles", "/articles/7", "/products"):
        await program.get(path)
    await program.live(2)
    program.supabase.write("articles", id=7, title="new")
    asked = len(program.supabase.asked)
    answer = await program.post("/revalidate", WEBHOOK, **BEARER)
    assert (answer.status, answer.json) == (200, RECEIVED)
    told = {"event": "received", "table": "articles", "type": "UPDATE"}
    assert program.events("received") == [told]
    await program.live(3)
    assert sorted(program.supabase.asked[asked:]) == ["/articles", "/articles/7"]
    assert (await program.get("/articles/7")).json == {"id": 7, "title": "new"}
    assert (await program.get("/articles")).json == [{"id": 7, "title": "new"}]


async def test_a_webhook_of_a_row_that_changed_its_id_is_of_two_rows(program: Program) -> None:
    await program.get("/articles/7")
    await program.get("/articles/8")
    await program.live(2)
    program.supabase.remove("articles", 7)
    program.supabase.write("articles", id=8, title="moved")
    await program.post("/revalidate", webhook(record={"id": 8}), **BEARER)
    await program.live(3)
    assert (await program.get("/articles/7")).status == 404
    assert (await program.get("/articles/8")).json == {"id": 8, "title": "moved"}


async def test_the_previous_secret_is_taken_while_there_is_one(program: Program) -> None:
    """It is accepted beside the new one, so that webhooks arrive while the secret is replaced."""
    previous = {"authorization": "Bearer old"}
    assert (await program.post("/revalidate", WEBHOOK, **previous)).status == 401
    both = Program(revalidate_secret_previous="old")
    for headers in (previous, BEARER):
        assert (await both.post("/revalidate", WEBHOOK, **headers)).json == RECEIVED
    assert len(both.events("received")) == 2
    older = {"authorization": "Bearer older"}
    assert (await both.post("/revalidate", WEBHOOK, **older)).status == 401


@pytest.mark.parametrize("others", [{"table": "users"}, {"schema": "private"}])
async def test_a_webhook_of_another_table_concerns_everything_that_may_show_it(
    program: Program, others: dict[str, object]
) -> None:
    """Without a catalogue, it may be a part of a declared table. Its name is not logged."""
    await program.get("/articles/7")
    await program.query("articles?select=title,author(name)")
    await program.live(1)
    answer = await program.post("/revalidate", webhook(**others), **BEARER)
    assert (answer.status, answer.json) == (200, RECEIVED)
    assert program.log[-1] == {"event": "received", "table": "another", "type": "UPDATE"}
    await program.live(3)
    paths = ["/articles/7", "/rest/v1/articles?select=title,author(name)"]
    assert sorted(program.supabase.asked) == sorted(paths * 2)


async def test_a_webhook_that_cannot_be_recorded_is_not_received(program: Program) -> None:
    """The answer is the error, so that the sender may try again."""
    program.durable("*").is_reachable = False
    answer = await program.post("/revalidate", WEBHOOK, **BEARER)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert answer.slug == "refresher-unavailable"
    assert program.events("received") == []


async def test_a_webhook_that_is_too_large_is_413(program: Program) -> None:
    """The error says how large it may be."""
    body = b" " * (10 * 1024 * 1024 + 1)
    answer = await program.post("/revalidate", body, **BEARER)
    assert (answer.status, answer.slug) == (413, "payload-too-large")
    assert answer.json["detail"] == "A payload may have at most 10485760 bytes."
    assert not await changes(program)


@pytest.mark.parametrize("body", [b"{}x", b"[]", b"x", webhook(type="SELECT")])
async def test_a_body_that_is_no_webhook_is_400(program: Program, body: bytes) -> None:
    """Nothing is recorded."""
    answer = await program.post("/revalidate", body, **BEARER)
    assert (answer.status, answer.slug) == (400, "bad-payload")
    assert not await changes(program)


@pytest.mark.parametrize("body", [b"", b"{}", b" {}\n"])
@pytest.mark.parametrize("headers", [BEARER, {}])
async def test_a_poke_needs_no_secret(
    program: Program, body: bytes, headers: dict[str, str]
) -> None:
    """It says nothing but that the database may be asked."""
    program.supabase.outbox = Outbox(SECRET, [("public", "articles")])
    answer = await program.post("/revalidate", body, **headers)
    assert (answer.status, answer.json) == (200, RECEIVED)
    await program.live(1)
    assert program.supabase.asked == ["/rest/v1/rpc/edge_cache_changes"]


@pytest.mark.parametrize("body", [b"x", b"{}" * 100, WEBHOOK])
async def test_what_is_no_poke_needs_the_secret(program: Program, body: bytes) -> None:
    answer = await program.post("/revalidate", body)
    assert (answer.status, answer.slug) == (401, "unauthorized")
    assert not await changes(program)


async def test_what_release_0_2_0s_triggers_send_is_a_poke(program: Program) -> None:
    """The outbox has what they say, and says it only once."""
    program.supabase.outbox = Outbox(SECRET, [("public", "articles")])
    old = {"type": "UPDATE", "schema": "public", "table": "articles", "keys": [7], "id": 1}
    assert (await program.post("/revalidate", old, **BEARER)).json == RECEIVED
    await program.live(1)
    assert program.supabase.asked == ["/rest/v1/rpc/edge_cache_changes"]
    assert (await program.post("/revalidate", old)).status == 401
