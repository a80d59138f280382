"""What the answers below ``/rest/v1/`` say to a shared cache in front of the Worker."""

from __future__ import annotations

import json

import pytest
from catalogues import function, table, text_of, view
from fake_postgrest import Outbox
from program import KEY, SECRET, Program
from user_tokens import token_at

ARTICLES = "/rest/v1/articles?select=*"
VIEW = "/rest/v1/recent?select=title"
KEPT = "public, max-age=54, stale-while-revalidate=6, stale-if-error=86400"
VARY = "Accept, Accept-Profile, Apikey, Authorization, Prefer, Range"
OBJECT = "application/vnd.pgrst.object+json"
COUNT = {"prefer": "count=exact"}
BEARER = {"authorization": f"Bearer {KEY}"}


def behind_one(**variables: object) -> Program:
    """Return a program behind a shared cache, with a public table and a private one."""
    tables = {"articles": {}, "notes": {}, "recent": {"view": True}, "sum": {"function": True}}
    program = Program(**{"shared_max_age_seconds": 60, "tables": tables, **variables})
    program.supabase.outbox = Outbox(SECRET, [("public", "articles"), ("public", "notes")])
    program.supabase.outbox.catalogue = json.loads(
        text_of(
            table("articles", differs=None),
            table("notes"),
            view("recent", reads=["articles"], differs=None),
            function("sum", differs=None),
        )
    )
    for name in ("articles", "notes", "recent"):
        program.supabase.write(name, id=7, title="old")
        program.supabase.write(name, id=8, title="older")
    return program


@pytest.fixture
def program() -> Program:
    """Return a program behind a shared cache, with a public table and a private one."""
    return behind_one()


async def told(
    program: Program, path: str = ARTICLES, method: str = "GET", **headers: str
) -> tuple[int, str | None, str | None]:
    """Ask with the public key, and return what shared caches are told."""
    answer = await program.ask(method, path, {"apikey": KEY, **headers})
    found = answer.headers
    return answer.status, found.get("cdn-cache-control"), found.get("cache-tag")


@pytest.mark.parametrize(
    ("path", "tags"),
    [
        (ARTICLES, "public.articles"),
        ("/rest/v1/articles?select=%2A", "public.articles"),
        ("/rest/v1/articles?id=eq.7", "public.articles"),
        (VIEW, "public.articles,public.recent"),
    ],
)
@pytest.mark.parametrize("headers", [{}, BEARER])
async def test_a_shared_answer_may_be_kept(
    program: Program, path: str, tags: str, headers: dict[str, str]
) -> None:
    """Clients also send the public key as a token, which only `public` allows to keep.

    Each client may spell a query in its own way. The tags are what the answer depends on.
    """
    for _ in ("miss", "hit"):
        answer = await program.ask("GET", path, {"apikey": KEY, **headers})
        assert answer.headers["cdn-cache-control"] == KEPT
        assert answer.headers["cache-tag"] == tags
        assert answer.headers["vary"] == VARY
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "age" not in answer.headers
        etag = answer.headers["etag"]
        assert await told(program, path, **{"if-none-match": etag}) == (304, KEPT, tags)
        await program.live(2)


async def test_head_without_a_count_is_gets_answer(program: Program) -> None:
    assert await told(program, method="HEAD") == (200, KEPT, "public.articles")


NEVER: dict[str, tuple[str, str, dict[str, str], int]] = {
    "perhaps somebody's own": ("GET", "/rest/v1/notes?select=*", {}, 200),
    "perhaps somebody's own, embedded": ("GET", f"{ARTICLES[:-1]}title,notes(*)", {}, 200),
    "a part": ("GET", f"{ARTICLES}&limit=1", COUNT, 206),
    "a count": ("HEAD", ARTICLES, COUNT, 200),
    "not one row": ("GET", f"{ARTICLES}&id=eq.9", {"accept": OBJECT}, 406),
    "a wrong key": ("GET", ARTICLES, {"apikey": "other"}, 200),
    "an API": ("OPTIONS", ARTICLES, {}, 204),
}


@pytest.mark.parametrize("case", NEVER)
async def test_nothing_else_may_be_kept(program: Program, case: str) -> None:
    """What was passed on gets `no-store` where the runtime's response is made."""
    method, path, headers, status = NEVER[case]
    for _ in ("miss", "hit"):
        found = await told(program, path, method, **headers)
        assert found == (status, None if case == "a wrong key" else "no-store", None)
        await program.live(2)


async def test_a_part_that_the_client_has_already_may_not_be_kept(program: Program) -> None:
    """The 304 stands for a 206."""
    path = f"{ARTICLES}&limit=1"
    part = await program.ask("GET", path, {"apikey": KEY, **COUNT})
    known = {"if-none-match": part.headers["etag"], **COUNT}
    assert await told(program, path, **known) == (304, "no-store", None)


@pytest.mark.parametrize("path", [ARTICLES, VIEW])
async def test_a_sessions_answer_may_not_be_kept(program: Program, path: str) -> None:
    """It is the same as everybody's, but the next one may not be."""
    token = token_at(program.clock.now_ms())
    for _ in ("miss", "hit"):
        found = await told(program, path, authorization=f"Bearer {token}")
        assert found == (200, "no-store", None)
        await program.live(2)


async def test_a_call_may_be_kept_if_its_url_says_all(program: Program) -> None:
    """A POST has its arguments in the body."""
    program.supabase.functions["sum"] = lambda _: [1]
    assert await told(program, "/rest/v1/rpc/sum") == (200, KEPT, "public.rpc%2Fsum")
    headers = {"apikey": KEY, "content-type": "application/json", "content-length": "2"}
    posted = await program.ask("POST", "/rest/v1/rpc/sum", headers, b"{}")
    assert posted.cache_status == "fwd=uri-miss; fwd-status=200; stored"
    assert posted.headers["cdn-cache-control"] == "no-store"


async def test_an_operators_word_counts() -> None:
    """`signed_in` declares that readers who are signed in get the same."""
    program = behind_one(tables={"notes": {"signed_in": "public"}})
    assert (await told(program, "/rest/v1/notes?select=*"))[1] == KEPT


async def test_without_the_script_nothing_may_be_kept() -> None:
    """Then nobody knows whether readers who are signed in get the same."""
    program = behind_one()
    program.supabase.outbox = None
    assert await told(program) == (200, "no-store", None)


async def test_an_outdated_answer_may_not_be_kept(program: Program) -> None:
    """Otherwise it would be shown for N more seconds after Supabase has given the new row."""
    await told(program)
    await program.live(2)
    program.supabase.hold()
    await program.webhook("articles")
    await program.live(2)
    assert await told(program) == (200, "no-store", None)


async def test_without_the_variable_nothing_is_said() -> None:
    assert await told(behind_one(shared_max_age_seconds=None)) == (200, None, None)
