"""What the answers say to a shared cache in front of the Worker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import EDGE, KEY, Program

from edge_cache.messages import Answer, Current
from edge_cache.resources import Resource, resource_at
from edge_cache.tables import Table
from edge_cache.urls import cut
from edge_cache.worker.shared_cache import directed, tags_of

ARTICLES = Table("articles")
ROW = Resource(ARTICLES, "7")
N = 60
KEPT = "public, max-age=54, stale-while-revalidate=6, stale-if-error=86400"
MAX_TAG_BYTES = 1024
TAGS = {
    "/articles": "articles,/articles,public.articles",
    "/articles/7": "articles,/articles/7,public.articles",
}


@pytest.fixture
def program() -> Program:
    """Return a program behind a shared cache, with a row."""
    return behind_one()


def behind_one(**variables: object) -> Program:
    """Return the same program with other variables."""
    program = Program(**{"shared_max_age_seconds": N, **variables})
    program.supabase.write("articles", id=7, title="old")
    return program


async def fill(program: Program) -> None:
    """Write the table and the row to KV, for 900 s."""
    for path in TAGS:
        await program.get(path)
    await program.live(900)


@pytest.mark.parametrize("path", TAGS)
@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [("GET", {}, 200), ("HEAD", {}, 200), ("GET", {"if-none-match": "*"}, 304)],
)
async def test_a_table_or_row_may_be_kept(
    program: Program, path: str, method: str, headers: dict[str, str], status: int
) -> None:
    """It may keep them for N seconds, including the time for asking again.

    Browsers ask each time, as before. The time in KV does not count: if it did, an entry that is in
    KV for longer than N would never be fresh.
    """
    for cache_status in ("fwd=uri-miss; fwd-status=200; stored", "hit"):
        answer = await program.ask(method, path, headers)
        assert (answer.status, answer.cache_status) == (status, cache_status)
        assert answer.headers["cdn-cache-control"] == KEPT
        assert answer.headers["cache-tag"] == TAGS[path]
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["etag"]
        assert "age" not in answer.headers
        await program.live(900)


@pytest.mark.parametrize(
    ("max_age_s", "told"),
    [
        (1, "public, max-age=1, stale-if-error=86400"),
        (9, "public, max-age=9, stale-if-error=86400"),
        (10, "public, max-age=9, stale-while-revalidate=1, stale-if-error=86400"),
        (3600, "public, max-age=3240, stale-while-revalidate=360, stale-if-error=86400"),
    ],
)
async def test_no_answer_is_older_than_promised(max_age_s: int, told: str) -> None:
    """N includes the time in which an old answer may be used while the Worker is asked."""
    answer = await behind_one(shared_max_age_seconds=max_age_s).get("/articles/7")
    assert answer.headers["cdn-cache-control"] == told


@pytest.mark.parametrize(
    "path",
    [
        *("/articles/7/", "/articles/%37", "/articles/7?", "/articles/7?x=1"),
        *("/articles/", "/articles?select=*"),
    ],
)
async def test_another_spelling_of_a_path_may_not_be_kept(program: Program, path: str) -> None:
    """It would be a copy of its own, and a 404 at the row's path would not remove it."""
    answer = await program.get(path)
    assert (answer.status, answer.headers["cdn-cache-control"]) == (200, "no-store")
    assert "cache-tag" not in answer.headers


@given(st.text(min_size=1))
def test_every_row_may_be_kept_under_its_own_path(row_id: str) -> None:
    """Its key may need percent-encoding."""
    row = Resource(ARTICLES, row_id)
    answer = directed(Answer(200, current=Current(row)), N, cut(EDGE + row.path))
    assert isinstance(answer, Answer)
    assert answer.headers["cdn-cache-control"] == KEPT


ELSE = {
    "/rest/v1/articles?select=*": ("GET", 200),
    "/": ("GET", 200),
    "/health": ("GET", 200),
    "/unknown": ("GET", 404),
    "/articles/8": ("GET", 404),
    "/articles/1/2": ("HEAD", 404),
    "/articles": ("POST", 405),
    "/articles/7": ("OPTIONS", 204),
    "/auth/v1/user": ("GET", 404),
}


@pytest.mark.parametrize("path", ELSE)
async def test_nothing_else_may_be_kept(program: Program, path: str) -> None:
    """Examples are problems, preflights, the Worker's own reports, and queries without a proof."""
    method, status = ELSE[path]
    answer = await program.ask(method, path, {"apikey": KEY})
    assert answer.status == status
    assert answer.headers["cdn-cache-control"] == "no-store"
    assert "cache-tag" not in answer.headers


async def test_what_revalidation_is_told_may_not_be_kept(program: Program) -> None:
    program.supabase.tables["products"] = []
    for answer in (await program.revalidate(), await program.webhook("articles", 7)):
        assert (answer.status, answer.headers["cdn-cache-control"]) == (200, "no-store")


async def test_a_failure_may_not_be_kept(program: Program) -> None:
    """Otherwise it would outlive its cause. The shared cache still has the answer before it."""
    program.supabase.fail()
    answer = await program.get("/articles")
    assert (answer.status, answer.headers["cdn-cache-control"]) == (502, "no-store")


async def test_an_outdated_answer_may_not_be_kept() -> None:
    """Otherwise it would be shown for N more seconds after Supabase has given the new row.

    That it is also older than its maximum age changes nothing.
    """
    program = behind_one(max_age_seconds=60)
    await fill(program)
    program.supabase.hold("/articles/7")
    await program.webhook("articles")
    await program.live(2)
    answer = await program.get("/articles/7")
    assert (answer.status, answer.cache_status) == (200, "fwd=stale; detail=supabase-slow")
    assert answer.headers["cdn-cache-control"] == "no-store"


@pytest.mark.parametrize("is_anothers", [True, False])
async def test_an_entry_beyond_its_maximum_age_may_be_kept(*, is_anothers: bool) -> None:
    """Nothing newer is known. With `no-store`, nothing would be left if the Worker dies.

    The age of another Worker's entry is unknown, so it counts as older than any maximum.
    """
    program = behind_one(max_age_seconds=60)
    if is_anothers:
        program.kv.set("/articles/7", b"{}")
    else:
        await fill(program)
    answer = await program.get("/articles/7")
    assert program.log[-1]["event"] == "aged"
    assert answer.headers["cdn-cache-control"] == KEPT


async def test_what_was_just_read_again_may_be_kept(program: Program) -> None:
    await fill(program)
    program.forget_readers("articles")
    await program.webhook("articles", 7)
    await program.live(2)
    answer = await program.get("/articles/7")
    assert answer.cache_status == "fwd=stale; fwd-status=200; stored"
    assert answer.headers["cdn-cache-control"] == KEPT


async def test_without_the_variable_nothing_is_said() -> None:
    """Age is the time since the entry was read, as before."""
    program = behind_one(shared_max_age_seconds=None)
    await fill(program)
    for path in ("/articles", "/articles/7", "/unknown", "/rest/v1/articles?select=*"):
        answer = await program.get(path, apikey=KEY)
        assert not {"cdn-cache-control", "cache-tag"} & answer.headers.keys()
    assert (await program.get("/articles")).headers["age"] == "900"


async def test_a_worker_that_is_not_configured_still_answers() -> None:
    """Then the variable is unknown, and Cache-Control says enough."""
    answer = await behind_one(supabase_url=None).get("/articles")
    assert (answer.status, answer.headers["cache-control"]) == (500, "no-store")
    assert "cdn-cache-control" not in answer.headers


async def test_what_is_passed_on_is_left_as_it_is(program: Program) -> None:
    """It got `no-store` where the runtime's response was made."""
    answer = await program.get("/rest/v1/articles")
    assert answer.status == 200
    assert "cdn-cache-control" not in answer.headers


@pytest.mark.parametrize("obeys", [True, False])
async def test_revalidation_by_hand_has_it_forget_what_it_keeps(
    program: Program, *, obeys: bool
) -> None:
    """The tables are fresh even if the shared cache does not forget. Then the log says so."""
    program.supabase.tables["products"] = []
    program.purges = obeys
    assert (await program.revalidate()).status == 200
    assert program.purged == 1
    assert len(program.events("purge_failed")) == int(not obeys)


async def test_what_was_refreshed_shows_even_if_a_table_failed(program: Program) -> None:
    """The shared cache forgets the old answers of the tables that were read."""
    program.supabase.fail(of="/products")
    assert (await program.revalidate()).status == 502
    assert program.purged == 1


async def test_nothing_is_forgotten_without_need(program: Program) -> None:
    """Cloudflare allows it a few times a minute, and a webhook may come each second."""
    await program.webhook("articles")
    await program.get("/revalidate")
    alone = behind_one(shared_max_age_seconds=None)
    await alone.revalidate()
    assert (program.purged, alone.purged) == (0, 0)


async def test_a_refusal_to_pass_on_may_not_be_kept() -> None:
    """For another caller, the cache may answer the same URL."""
    answer = await behind_one(pass_through="off").get("/rest/v1/articles?select=*")
    assert (answer.status, answer.headers["cdn-cache-control"]) == (403, "no-store")


@given(st.text())
def test_tags_are_what_caches_take(row_id: str) -> None:
    """A tag has printable ASCII without spaces and commas, and 1,024 bytes at most.

    It is the path, unchanged.
    """
    resource = Resource(ARTICLES, row_id)
    table, own, relation = tags_of(Current(resource))
    assert (table, relation) == ("articles", "public.articles")
    assert own.isascii()
    assert own.isprintable()
    assert not set(own) & set(" ,")
    assert len(own) <= MAX_TAG_BYTES
    assert own == resource.key or "," in resource.key


def test_a_tag_belongs_to_a_row_however_its_path_is_spelled() -> None:
    """`%37` is 7."""
    spelled = resource_at("/articles/%37", (ARTICLES,))
    assert spelled is not None
    assert tags_of(Current(spelled)) == tags_of(Current(ROW))
