"""Readers with a session get their own answer, whoever filled the cache and whatever they claim.

Random questions are asked of Supabase Lite, with row level security, and of the Worker in front of
it. ``EDGE_CACHE_CASES`` says how many, and ``EDGE_CACHE_SEED`` chooses them.
"""

from __future__ import annotations

import logging
import os
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from random import Random

import httpx
import pytest
import scripted
from clients import library, shop, tokens
from clients.players import Caller
from clients.tokens import Sign
from edge import Database, Edge, EdgeOf
from random_questions import DECLARED, Question, Questions

from local import stack

LOG = logging.getLogger(__name__)

CASES = int(os.environ.get("EDGE_CACHE_CASES", "40"))
SEED = int(os.environ.get("EDGE_CACHE_SEED", "1"))

ROUNDS = 2

PUBLIC = (
    Question("/rest/v1/items?select=name,price,categories(name)&order=id"),
    Question("/rest/v1/rpc/search_items", "POST", {"query": "tea"}),
)
PRIVATE = (
    Question("/rest/v1/cart_lines?select=*"),
    Question("/rest/v1/items?select=name,cart_lines(*)&order=id"),
    Question("/rest/v1/offers?select=*&order=id"),
    Question("/rest/v1/rpc/cart_total", "POST", {}),
    Question("/rest/v1/rpc/cart_total"),
)

Tokens = Mapping[str, str | None]
"""The tokens of readers by their names, or None if somebody is not signed in."""

Said = tuple[int, bytes, str | None, str | None]
"""The status, the body, its media type, and how much of the whole it is."""


@dataclass(frozen=True)
class Case:
    """A reader's question, and what Supabase itself says to this reader and to everybody."""

    question: Question
    who: str
    token: str | None
    own: Said
    public: Said


class Comparison:
    """Asks Supabase itself, and the Worker in front of it."""

    def __init__(self, edge: Edge, directly: httpx.Client, key: str) -> None:
        self.edge = edge
        self._directly = directly
        self._key = key

    def cases(self, questions: Iterable[Question], readers: Tokens) -> list[Case]:
        """Return each reader's questions."""
        found = []
        for question in questions:
            public = self._ask(question, None)
            for who, token in readers.items():
                own = self._ask(question, token) if token else public
                found.append(Case(question, who, token, own, public))
        return found

    def _ask(self, question: Question, token: str | None) -> Said:
        return _said(question.ask(self._directly, self._key, token))

    def through(self, case: Case) -> tuple[Said, bool]:
        """Return what the Worker says, and whether it says the same to everybody."""
        response = case.question.ask(self.edge.http, self._key, case.token)
        status = response.headers["cache-status"]
        return _said(response), "; hit" in status or "; stored" in status

    def require_public_entries(self, cases: Iterable[Case]) -> None:
        """Fail if KV has anything but what everybody gets."""
        public = {case.public[1] for case in cases}
        stored = [self.edge.kv.value(key) for key in self.edge.kv.queries()]
        assert stored
        assert set(stored) <= public


def _said(response: httpx.Response) -> Said:
    header = response.headers.get
    return response.status_code, response.content, header("content-type"), header("content-range")


@pytest.fixture
def directly(supabase: stack.Supabase) -> Iterator[httpx.Client]:
    """Return a client of Supabase itself."""
    with httpx.Client(base_url=supabase.url, timeout=60) as http:
        yield http


@pytest.fixture(scope="session")
def sign(supabase: stack.Supabase) -> Sign:
    """Return a function that signs a token's claims as this Supabase does."""
    config = tomllib.loads((supabase.process.log.parent / "supabase/config.toml").read_text())
    return partial(tokens.signed, secret=config["auth"]["jwt_secret"])


def test_an_odd_token_gets_the_public_answer_or_supabases_own(
    shop_edge: Edge, directly: httpx.Client, users: dict[str, Caller], sign: Sign
) -> None:
    """Such readers ask first, so that they would fill the cache."""
    anna = users["anna"]
    assert anna.user
    odd = tokens.odd(anna.user, sign)
    comparison = Comparison(shop_edge, directly, anna.key)
    cases = comparison.cases((*PUBLIC, *PRIVATE), {**odd, "anna": anna.token, "nobody": None})
    shared = set()
    for _ in range(ROUNDS):
        for case in cases:
            said, is_shared = comparison.through(case)
            assert said == (case.public if is_shared else case.own), case
            if is_shared and case.token:
                shared.add((case.who, case.question.path))
        shop_edge.kv.wait()
    assert {path for _, path in shared} == {question.path for question in PUBLIC}
    assert {who for who, _ in shared} == {*tokens.LIKE_A_USERS, "anna"}
    comparison.require_public_entries(cases)


def test_random_questions(
    edge_of: EdgeOf,
    database: Database,
    directly: httpx.Client,
    users: dict[str, Caller],
    sign: Sign,
) -> None:
    """Each reader gets what Supabase itself says to him, byte by byte."""
    anna, bert = users["anna"], users["bert"]
    assert anna.user
    assert bert.user
    readers = {
        "nobody": None,
        "anna": anna.token,
        "bert": bert.token,
        "an anonymous sign-in of bert": tokens.anonymous(bert.user, sign),
    }
    random = Random(SEED)  # noqa: S311  no secret
    questions = Questions(random)
    library.fill(database)
    shop.fill(database, {anna.user: 1, bert.user: 2})
    with scripted.known_to(edge_of, database, DECLARED) as edge:
        comparison = Comparison(edge, directly, anna.key)
        cases = comparison.cases([questions.question() for _ in range(CASES)], readers)
        random.shuffle(cases)
        figures: Counter[str] = Counter()
        for _ in range(ROUNDS):
            for case in cases:
                said, is_shared = comparison.through(case)
                assert said == case.own, f"seed {SEED}: {case}"
                figures.update(
                    asked=1,
                    shared=is_shared and case.token is not None,
                    private=case.own != case.public,
                    failed=case.own[0] >= HTTPStatus.BAD_REQUEST,
                )
            edge.kv.wait()
        comparison.require_public_entries(cases)
    LOG.warning("seed %s: %s", SEED, dict(figures))
    # Else the questions would show nothing.
    assert figures["shared"] > figures["asked"] / 5
    assert figures["private"] > figures["asked"] / 20
