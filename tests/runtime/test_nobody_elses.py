"""A caller gets what Supabase would say to him, and never what it said to somebody else.

All sorts of callers send requests in all forms through the same Worker, again and again. So one
caller may hit what another one filled. Each answer must be Supabase's own answer to the same
request. The rows do not change meanwhile. Each run has other random requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import httpx
import pytest
from clients import spellings
from clients.players import Caller
from clients.spellings import Headers
from edge import Edge
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from local import stack

ROUNDS = 2
COMPARED = ("content-type", "content-range")

WHO = st.lists(
    st.one_of(*map(st.sampled_from, (spellings.PUBLIC, spellings.PRIVATE))), min_size=1, max_size=4
)

Form = tuple[str, Headers]
"""A method, and headers besides those that say who asks."""


@dataclass(frozen=True)
class Asked:
    """A request as it is sent."""

    method: str
    target: str
    headers: Headers


def answer(http: httpx.Client, asked: Asked) -> tuple[object, ...]:
    """Send a request unchanged, and return the parts of the answer that must be the same."""
    raw = {"target": asked.target.encode()}  # httpx would mend broken escapes
    request = http.build_request(asked.method, "/", headers=asked.headers, extensions=raw)
    if "accept" not in dict(asked.headers):
        del request.headers["accept"]
    said = http.send(request)
    return (said.status_code, said.content, *(said.headers.get(name) for name in COMPARED))


class Stage:
    """The Worker that all examples share, Supabase beside it, and who may ask."""

    def __init__(self, edge: Edge, directly: httpx.Client, users: dict[str, Caller]) -> None:
        self.edge = edge
        self.directly = directly
        self.users = users

    def play(self, target: str, forms: Sequence[Form], callers: Sequence[str]) -> None:
        """Let callers ask in turn, several times. Fail if one gets what he should not get."""
        cast = [(who, self._asked(form, target, who)) for form in forms for who in callers]
        wanted = [answer(self.directly, asked) for _, asked in cast]
        for _ in range(ROUNDS):
            for (who, asked), want in zip(cast, wanted, strict=True):
                before = self.edge.asked
                assert (asked, answer(self.edge.http, asked)) == (asked, want)
                if who in spellings.PRIVATE or spellings.UNSAFE.search(target):
                    # At least once more: meanwhile an entry may be refreshed in the background.
                    assert self.edge.asked > before, asked
            self.edge.kv.wait()

    def _asked(self, form: Form, target: str, who: str) -> Asked:
        method, headers = form
        if "/rpc/" in target:
            method = "GET"  # Supabase Lite refuses HEAD for a function
        return Asked(method, target, (*headers, *spellings.credentials(who, self.users)))


@pytest.fixture
def stage(
    library_edge: Edge, supabase: stack.Supabase, users: dict[str, Caller]
) -> Iterator[Stage]:
    """Return both, with a hidden row for each user."""
    edge = library_edge
    hidden = {"book_id": 2, "stars": 3, "published": False}
    owners = enumerate((users["anna"].user, users["bert"].user), start=200)
    edge.db.insert(
        [{"id": row_id, **hidden, "owner": owner} for row_id, owner in owners], "reviews"
    )
    with httpx.Client(base_url=supabase.url, timeout=60) as directly:
        yield Stage(edge, directly, users)
    edge.db.http.delete("/reviews", params={"id": "gte.200"}).raise_for_status()


FIRST = ("anonymous", "anna", "a small bearer")
"""Somebody who may fill the cache, somebody else, and somebody who may hit."""


@pytest.mark.parametrize("parameter", spellings.ODD)
def test_an_odd_query(stage: Stage, parameter: str) -> None:
    """It gets Supabase's own answer. If the meaning is not sure, Supabase itself gives it."""
    stage.play(f"/rest/v1/books?{parameter}", [("GET", ())], FIRST)


@pytest.mark.parametrize("table", ["readings", "reviews"])
def test_a_schema_is_chosen(stage: Stage, table: str) -> None:
    """No cache in between looks at the header that chooses it."""
    forms: list[Form] = [("GET", (("accept-profile", name),)) for name in spellings.PROFILES]
    stage.play(f"/rest/v1/{table}", [("GET", ()), *forms], FIRST)


@pytest.mark.parametrize("target", ["reviews", "reviews?id=eq.1", "rpc/search_books?query=engine"])
def test_a_media_type_is_chosen(stage: Stage, target: str) -> None:
    """A table, a row and a function are read as JSON, an object, CSV, or an unknown type."""
    forms: list[Form] = [("GET", (("accept", name),)) for name in spellings.ACCEPTS]
    stage.play(f"/rest/v1/{target}", [("GET", ()), *forms], FIRST)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_something_is_preferred(stage: Stage, method: str) -> None:
    """It may be a count, something without meaning in a read, or something that must be refused."""
    forms: list[Form] = [(method, (("prefer", name),)) for name in spellings.PREFERS]
    stage.play("/rest/v1/reviews?limit=1", [(method, ()), *forms], FIRST)


@settings(
    max_examples=25,
    deadline=None,
    database=None,
    print_blob=True,
    phases=[Phase.generate],  # shrinking would take the runtime minutes
    suppress_health_check=list(HealthCheck),
)
@given(target=spellings.TARGET, forms=spellings.FORMS, callers=WHO)
def test_everybody_gets_his_own_answer(
    stage: Stage, target: str, forms: list[Form], callers: list[str]
) -> None:
    """Several callers send one random query in several forms, in turn and several times."""
    stage.play(target, forms, callers)
