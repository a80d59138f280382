"""Hits while rows are edited: what the database tells ours, and which answers the run accepts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

import figures
import outbox
from contenders import LESSON, OURS
from edge_cache.changes import Change
from edge_cache.config import Settings
from edge_cache.ports import Announced
from edge_cache.queries import Query
from edge_cache.supabase.catalogue import catalogue_in
from edge_cache.supabase.resolving import query_dependencies
from edge_cache.supabase.rest import Supabase
from edge_cache.supabase.script import Script
from edge_cache.tables import declared_by
from edge_cache.worker.canonical import Variant, query_in
from edited_articles import ARTICLES, KINDS, Articles, Kind, answer
from edited_database import Database, serving
from edits import EDITED, hit_share, old_share, scenario
from load import Load, Reader, Reply
from local.ports import free_port
from readers import LATE_S, Shares, shares_of_lesson, shares_of_ours
from samples import WHOLE, Key, Samples, Summary
from serving import start_load
from shared.failure import Failure
from targets import TARGETS, Verdict, verdict

BY_ID, BY_SLUG, *_ = KINDS
EDITED_AT = 1_000.0
HIT, MARKED = (
    "supabase-edge-cache; hit; ttl=9",
    "supabase-edge-cache; fwd=stale; detail=supabase-slow",
)


def script_of(database: Database) -> Script:
    """Return what our Worker asks a database with."""

    def remote(request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            200, json=database.call(request.url.path, json.loads(request.content))
        )

    declared = declared_by(json.dumps(outbox.TABLES))
    settings = Settings("http://localhost", "key", declared=declared, revalidate_secret="any")
    return Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0).database


def test_ours_learns_of_each_edit_once_and_by_its_key() -> None:
    """If the answer were malformed, or a table not watched, everything would become outdated."""
    database = Database()
    script = script_of(database)
    first = announced(script, None)
    assert not first.complete
    assert first.watched >= {"public.articles", "public.authors", "public.comments"}
    database.edit(outbox.ARTICLES, 7, EDITED_AT)
    database.edit(outbox.COMMENTS, 7, EDITED_AT)
    second = announced(script, first.cursor)
    assert second.complete
    assert second.changes == (Change("public.articles", ("7",)), Change("public.comments", None))
    assert announced(script, second.cursor).changes == ()


def announced(script: Script, cursor: str | None) -> Announced:
    """Ask once for changes."""
    found = asyncio.run(script.announced(cursor))
    assert found
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_read_depends_on_comments_and_reads_by_id_depend_on_their_article(kind: Kind) -> None:
    """The targets are about exactly that."""
    text = json.dumps(outbox.catalogue({"known": None}))
    target, _, raw = kind.paths[6].removeprefix("/rest/v1/").partition("?")
    query = query_in("GET", target, raw, Variant())
    assert isinstance(query, Query)
    found = query_dependencies(query, catalogue_in(text), is_table=target == outbox.ARTICLES)
    assert found.relations <= {"public.articles", "public.authors"}
    assert found.keys == ({"7"} if kind.is_by_id else set())


def test_a_catalogue_that_is_known_is_not_told_again() -> None:
    found = asyncio.run(script_of(Database()).catalogue(""))
    assert found
    again = asyncio.run(script_of(Database()).catalogue(found.fingerprint))
    assert again
    assert again.text is None


def reply_to(path: str, edition: int, *, asked_at: float, status: str = HIT) -> Reply:
    """Return an answer that shows an edition of all articles."""
    query = dict(parse_qsl(urlsplit(path).query))
    body, _ = answer(query, dict.fromkeys(Articles().edited_at, edition))
    return Reply(asked_at, 200, status, body.decode())


@pytest.fixture
def articles() -> Articles:
    """Return articles of which the seventh was edited once."""
    found = Articles()
    found.edit(7, EDITED_AT)
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_old_answer_ends_the_run_unless_it_says_so(articles: Articles, kind: Kind) -> None:
    path = next(path for path in kind.paths if "edition 1" in reply_of_seventh(articles, path))
    late, soon = EDITED_AT + LATE_S + 0.1, EDITED_AT + LATE_S - 0.1
    old = reply_to(path, 0, asked_at=late)
    assert shares_of_ours(articles, [path], [replace(old, asked_at=soon)]) == Shares(1, 0)
    assert shares_of_ours(articles, [path], [replace(old, cache_status=MARKED)]) == Shares(0, 1)
    for status in (HIT, "supabase-edge-cache; fwd=stale; fwd-status=200; stored"):
        with pytest.raises(Failure, match="older than 3 s"):
            shares_of_ours(articles, [path], [replace(old, cache_status=status)])


def reply_of_seventh(articles: Articles, path: str) -> str:
    """Return what Supabase answers now."""
    return answer(dict(parse_qsl(urlsplit(path).query)), articles.editions())[0].decode()


def test_what_supabase_never_answered_ends_the_run(articles: Articles) -> None:
    """It may be an error, no row, another row, or an edition that does not exist yet."""
    path, other = BY_ID.paths[6:8]
    reply = reply_to(path, 1, asked_at=EDITED_AT)
    assert shares_of_ours(articles, [path], [reply]) == Shares(1, 0)
    for wrong in (
        replace(reply, status=503),
        replace(reply, body="[]"),
        reply_to(other, 0, asked_at=EDITED_AT),
        reply_to(path, 2, asked_at=EDITED_AT),
    ):
        with pytest.raises(Failure, match="never answered"):
            shares_of_ours(articles, [path], [wrong])


def test_the_lesson_hits_where_supabase_was_not_asked(articles: Articles) -> None:
    """Its old answers are counted and end nothing."""
    path = BY_SLUG.paths[6]
    replies = [
        reply_to(path, edition, asked_at=EDITED_AT + 9, status="") for edition in (0, 0, 1, 1)
    ]
    assert shares_of_lesson(articles, [path] * 4, replies, 1) == Shares(0.75, 0.5)


def measured(hits: dict[str, float]) -> Samples:
    """Return the results of a run in which ours has these shares of hits in every column."""
    samples = Samples()
    for kind in KINDS:
        for edited in EDITED:
            for worker in (OURS, LESSON):
                key = Key(scenario(kind), worker, WHOLE, hit_share(edited))
                samples.add(key, hits.get(kind.name, 1.0) if worker == OURS else 1.0)
                samples.add(replace(key, metric=old_share(edited)), 0.5 * (worker == LESSON))
    return samples


def test_the_kind_of_read_with_the_fewest_hits_decides() -> None:
    """While a row is edited, reads that are not by id have no target."""
    found = verdicts_of(measured({"by slug": 0.25, "view by id": 0.97}))
    assert [(one.met, one.measured) for one in found] == [
        (False, Summary(25, 25, 25)),
        (False, Summary(97, 97, 97)),
    ]
    assert [one.target.wanted for one in found] == [">= 99 %", ">= 98 %"]
    assert all(one.met for one in verdicts_of(measured({})))


def verdicts_of(samples: Samples) -> list[Verdict]:
    """Return the outcome of the two targets."""
    return [verdict(target, samples) for target in TARGETS if target.title.startswith("hits while")]


def test_the_table_has_both_workers_for_each_kind_of_read() -> None:
    _, *lines = figures.edits(measured({"by slug": 0.25}))
    assert len(lines) == 2 * len(KINDS)
    assert lines[2].split() == ["by", "slug", "ours", "25.0%", "25.0%", "25.0%", "0.0%"]
    assert lines[3].split() == ["by", "slug", "lesson", "100.0%", "100.0%", "100.0%", "50.0%"]
    assert len(list(figures.edits(Samples()))) == 1


def test_each_read_shows_another_part_of_the_articles() -> None:
    for kind in KINDS:
        assert len(set(kind.paths)) == len(kind.numbers)
        asked = "".join(reply_to(path, 3, asked_at=0).body for path in kind.paths)
        assert asked.count("edition 3") == ARTICLES


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    """Run the load generator."""
    url, process = start_load(tmp_path)
    yield Load(url, process, tmp_path)
    process.stop()


def test_readers_ask_at_their_rate_and_a_broken_connection_is_an_answer(load: Load) -> None:
    paths = [kind.paths[number] for number in range(2) for kind in KINDS]
    nobody = f"http://localhost:{free_port()}"
    with serving(Database()) as supabase:
        readers = [Reader(supabase.url, {}, paths), Reader(nobody, {}, paths[:1])]
        replies, [failed] = load.steady(readers, per_second=50)
        asked = supabase.asked_for(paths)
    assert asked == len(paths)
    assert shares_of_lesson(Articles(), paths, replies, asked) == Shares(0, 0)
    assert replies[-1].asked_at - replies[0].asked_at >= 0.9 * (len(paths) - 1) / 50
    assert failed.status == 0
