"""What readers who are signed in get: everybody's answer if it is proven the same, or their own."""

from __future__ import annotations

import pytest
from fake_postgrest import Outbox, Row
from program import KEY, SECRET, Answer, Program
from user_tokens import token_at

ARTICLES = "/rest/v1/articles?select=title"
NOTES = "/rest/v1/notes?select=title"
EMBEDDING = "/rest/v1/articles?select=title,notes(title)"
VIEW = "/rest/v1/recent?select=title"
PASSED = "fwd=bypass; fwd-status=200; detail=session"
STORED = "fwd=uri-miss; fwd-status=200; stored"
WHY = 'policy "own" looks at auth.uid()'


def relation(name: str, differs: str | None, **members: object) -> Row:
    """Return a relation of the catalogue."""
    told: Row = {"schema": "public", "name": name, "reads": [], "key": None, "computed": []}
    return {**told, "view": False, "differs": differs, **members}


def describe(program: Program, *relations: Row) -> None:
    """Let the catalogue have these relations."""
    assert program.supabase.outbox
    foreign_key = {
        "name": "notes_article_fkey",
        "from": ["public", "notes"],
        "columns": ["article_id"],
        "to": ["public", "articles"],
        "to_columns": ["id"],
    }
    program.supabase.outbox.catalogue = {
        "relations": list(relations),
        "foreign_keys": [foreign_key],
        "functions": [],
    }


@pytest.fixture
def program() -> Program:
    """Return a program with a public table and a private one."""
    program = Program(tables={"articles": {}, "notes": {}, "recent": {"view": True}})
    watched = [("public", "articles"), ("public", "notes")]
    program.supabase.outbox = Outbox(SECRET, watched)
    view = relation("recent", None, view=True, reads=[["public", "notes"]])
    describe(program, relation("articles", None), relation("notes", WHY), view)
    for table in ("articles", "notes", "recent"):
        program.supabase.write(table, id=1, title="old")
    return program


def token_of(program: Program, **changed: object) -> str:
    """Return a user's token, which is valid for an hour."""
    return token_at(program.clock.now_ms(), **changed)


async def read(program: Program, path: str, **claims: object) -> Answer:
    """Read as somebody who is signed in."""
    headers = {"apikey": KEY, "authorization": f"Bearer {token_of(program, **claims)}"}
    return await program.ask("GET", path, headers)


async def public(program: Program, path: str) -> Answer:
    """Read as somebody who is not."""
    return await program.get(path, apikey=KEY)


def fills(program: Program) -> list[str]:
    """Return what the cache asked Supabase for."""
    asked = [one for one in program.supabase.requests if not one.passed]
    return [one.name for one in asked if "edge_cache" not in one.name]


@pytest.mark.parametrize("path", [ARTICLES, VIEW])
async def test_everybody_shares_an_answer_that_is_proven_the_same(
    program: Program, path: str
) -> None:
    """The entry is filled with the public key. It does not matter who asks first."""
    first = await read(program, path)
    assert first.cache_status == STORED
    (asked,) = [one.request for one in program.supabase.requests if "edge_cache" not in one.name]
    assert "authorization" not in asked.headers
    await program.live(2)
    for answer in (await read(program, path), await public(program, path)):
        assert (answer.body, answer.cache_status) == (first.body, "hit; ttl=298")
    assert len(fills(program)) == 1


async def test_the_log_says_who_asked(program: Program) -> None:
    await read(program, ARTICLES)
    await program.live(2)
    await read(program, ARTICLES)
    await public(program, ARTICLES)
    hits = program.events("hit")
    assert [line.get("reader") for line in hits] == ["session", None]
    assert program.events("miss")[0]["reader"] == "session"


@pytest.mark.parametrize("path", [NOTES, EMBEDDING])
@pytest.mark.parametrize("is_cached", [True, False])
async def test_what_may_differ_is_ones_own(program: Program, path: str, is_cached: bool) -> None:
    """It is passed on with the user's token, and nothing is read with the public key for it."""
    if is_cached:
        await public(program, path)
        await program.live(2)
    before = len(fills(program))
    for _ in range(3):
        answer = await read(program, path)
        assert answer.cache_status == PASSED
    assert len(fills(program)) == before
    passed = [one.request for one in program.supabase.requests if one.passed]
    assert all(one.headers["authorization"].startswith("Bearer x.") for one in passed)


async def test_what_may_differ_is_passed_on_without_a_look_into_the_cache(
    program: Program,
) -> None:
    """It is remembered for half a minute, for all queries of the table."""
    await read(program, NOTES)
    tried = len(program.kv.tried)
    await read(program, f"{NOTES}&limit=1")
    assert len(program.kv.tried) == tried
    await program.live(31)
    await read(program, NOTES)
    assert len(program.kv.tried) > tried


@pytest.mark.parametrize("is_popular", [True, False])
async def test_a_policy_that_looks_at_the_reader_ends_it(
    program: Program, *, is_popular: bool
) -> None:
    """The answer of before is not read again if nobody wanted it lately, but is served no more."""
    await program.tick()
    await read(program, ARTICLES)
    await program.live(2)
    if not is_popular:
        program.forget_readers("articles")
    describe(program, relation("articles", WHY))
    assert program.supabase.outbox
    program.supabase.outbox.note(None, None)
    await program.poke()
    await program.live(2)
    assert (await read(program, ARTICLES)).cache_status == PASSED


async def test_a_proof_that_comes_later_counts(program: Program) -> None:
    await program.tick()
    assert (await read(program, NOTES)).cache_status == PASSED
    describe(program, relation("articles", None), relation("notes", None))
    assert program.supabase.outbox
    program.supabase.outbox.note(None, None)
    await program.poke()
    await program.live(31)
    assert (await read(program, NOTES)).cache_status.startswith("fwd=")
    assert (await read(program, NOTES)).cache_status.startswith("hit")


async def test_while_supabase_is_down_everybody_gets_the_last_answer(program: Program) -> None:
    await program.tick()
    await read(program, ARTICLES)
    await program.live(2)
    program.forget_readers("articles")
    assert program.supabase.outbox
    program.supabase.outbox.note("articles", [1])
    await program.poke()
    await program.live(2)
    program.supabase.answer(503, {"code": "PGRST002"})
    answer = await read(program, ARTICLES)
    assert (answer.status, answer.json) == (200, [{"title": "old"}])


@pytest.mark.parametrize(
    "claims", [{"role": "service_role"}, {"exp": 1}, {"aud": "x"}, {"is_anonymous": "x"}]
)
async def test_an_odd_token_is_passed_on(program: Program, claims: Row) -> None:
    """The client has to hear of that from Supabase."""
    await public(program, ARTICLES)
    await program.live(2)
    assert (await read(program, ARTICLES, **claims)).cache_status == PASSED


async def test_without_the_script_nothing_is_proven(program: Program) -> None:
    program.supabase.outbox = None
    for path in (ARTICLES, VIEW, EMBEDDING):
        await public(program, path)
        await program.live(2)
        assert (await read(program, path)).cache_status == PASSED


@pytest.mark.parametrize("has_script", [True, False])
async def test_an_operator_may_declare_an_answer_the_same(
    program: Program, has_script: bool
) -> None:
    """What such a query embeds must be the same, too."""
    if not has_script:
        program.supabase.outbox = None
    declared = {"articles": {}, "notes": {"signed_in": "public"}}
    program.declare(tables=declared)
    assert (await read(program, NOTES)).cache_status == STORED
    embedding = "/rest/v1/notes?select=title,articles(title)"
    expected = STORED if has_script else PASSED
    assert (await read(program, embedding)).cache_status == expected


async def test_an_entry_does_not_outlive_the_declaration(program: Program) -> None:
    program.declare(tables={"articles": {}, "notes": {"signed_in": "public"}})
    await read(program, NOTES)
    await program.live(2)
    assert (await read(program, NOTES)).cache_status.startswith("hit")
    program.declare(tables={"articles": {}, "notes": {}})
    assert (await read(program, NOTES)).cache_status == PASSED


async def test_an_operator_may_keep_signed_in_readers_out(program: Program) -> None:
    program.declare(tables={"articles": {"signed_in": "pass"}})
    await public(program, ARTICLES)
    await program.live(2)
    assert (await read(program, ARTICLES)).cache_status == PASSED


async def test_an_error_is_ones_own(program: Program) -> None:
    """PostgREST answers 401 to whoever is not signed in, and 403 to whoever is."""
    program.supabase.answer(401, {"code": "42501"}, of=ARTICLES, times=1)
    program.supabase.answer(403, {"code": "42501"}, of=ARTICLES, times=1)
    answer = await read(program, ARTICLES)
    assert (answer.status, answer.cache_status) == (
        403,
        "fwd=bypass; fwd-status=403; detail=session",
    )


async def test_health_says_what_is_shared(program: Program) -> None:
    for path in (ARTICLES, NOTES, VIEW):
        await public(program, path)
    told = (await program.get("/health")).json
    shared = {name: table["shared"] for name, table in told["tables"].items()}
    assert shared == {"articles": True, "notes": False}
    assert told["project"]["shared"] == ["recent"]


async def test_where_nothing_is_passed_on_such_a_reader_is_told_so(program: Program) -> None:
    program.declare(pass_through="off")
    answer = await read(program, NOTES)
    assert (answer.status, answer.json["code"]) == (403, "EDGE_NOT_PASSED_ON")
    assert (await read(program, ARTICLES)).status == 200


async def test_no_shared_cache_keeps_it(program: Program) -> None:
    """A shared cache might not look at who asks."""
    await read(program, ARTICLES)
    await program.live(2)
    assert (await read(program, ARTICLES)).headers["cdn-cache-control"] == "no-store"
    assert "cdn-cache-control" not in (await public(program, ARTICLES)).headers
