"""The day's traffic and its figures, and a short day on the whole program."""

from __future__ import annotations

from collections import Counter
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from day.history import History, articles_of
from day.models import Model, lesson, ttl
from day.plot import drawing
from day.simulation import Events, simulate
from day.tally import Reply, Tally, dollars_a_month
from day.traffic import ARTICLES, HOUR_S, Read, Shape, edits, pages, readers_at, reads

SHORT = Shape(reads_a_day=20_000, edits_an_hour=30, first_hour=15, hours=1)
NEVER_S = 10**9
QUIET = Events(deploy_s=NEVER_S, outage_s=NEVER_S, schema_s=NEVER_S)
PAGE = "/rest/v1/articles?id=eq.7"


def read_at(at_s: float, path: str = PAGE, *, own: bool = False) -> Read:
    """Return a read at the near location."""
    return Read(at_s, path, signed_in=False, own=own, far=False)


def test_a_day_is_the_same_each_time_and_in_order() -> None:
    once, again = list(reads(SHORT)), list(reads(SHORT))
    assert once == again
    assert once == sorted(once, key=lambda read: read.at_s)
    assert edits(SHORT) == edits(SHORT)
    assert sum(edit.article is not None for edit in edits(SHORT)) == 30


def test_there_are_20_000_pages_and_the_popular_ones_are_asked_for_by_zipf() -> None:
    paths = pages()
    assert len(paths) == len(set(paths)) == 20_000
    asked = Counter(read.path for read in reads(Shape(200_000, 0)) if not read.own)
    assert asked[paths[0]] / asked[paths[9]] == pytest.approx(10, rel=0.2)


def test_there_are_most_readers_in_the_afternoon() -> None:
    assert readers_at(16) == 1
    assert readers_at(4) == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/rest/v1/articles?id=eq.7", range(7, 8)),
        ("/rest/v1/articles?slug=eq.article-7", range(7, 8)),
        ("/rest/v1/articles?select=title&order=id&limit=10&offset=20", range(21, 31)),
        (f"/rest/v1/articles?limit=10&offset={ARTICLES - 10}", range(ARTICLES - 9, ARTICLES + 1)),
    ],
)
def test_a_page_shows_its_articles(path: str, shown: range) -> None:
    assert articles_of(path) == shown


def test_an_answer_is_old_since_the_first_edit_that_it_lacks() -> None:
    history = History()
    for at_s in (10.0, 20.0):
        history.edit(7, at_s)
    assert history.seen(PAGE, 9) == {7: 0}
    assert [history.old_s({7: edition}, 25) for edition in (0, 1, 2)] == [15, 5, 0]
    history.edit(8, 22)
    assert history.old_s({7: 1, 8: 0}, 25) == 5


@pytest.mark.parametrize(
    ("model", "hits", "old", "reads"),
    [(ttl, 2, [5.0], 2), (lesson, 3, [5.0, 80.0], 1)],
    ids=["ttl", "lesson"],
)
def test_a_model_hits_what_it_keeps_and_gives_it_when_it_is_old(
    model: Any, hits: int, old: list[float], reads: int
) -> None:
    history = History()
    found: Model = model(history)
    for at_s in (0.0, 10.0):
        found.read(read_at(at_s))
    history.edit(7, 20)
    found.edited(20)
    for at_s in (25.0, 100.0):
        found.read(read_at(at_s))
    assert found.tally.hits_in.total() == hits
    assert found.tally.old == old
    assert found.tally.asked["reads"] == reads


def test_what_a_model_does_not_have_fails_in_an_outage() -> None:
    found = ttl(History())
    found.read(read_at(0))
    found.is_down = True
    for read in (read_at(1), read_at(1, own=True), read_at(70)):
        found.read(read)
    assert (found.tally.replies, found.tally.failed) == (4, 2)


def test_operations_have_the_price_of_the_list() -> None:
    assert dollars_a_month(Counter(get=1_000_000, put=100_000, objects=1_000_000)) == (
        pytest.approx(30 * (0.50 + 0.50 + 0.15))
    )


def test_an_old_answer_that_says_so_is_counted_apart() -> None:
    tally = Tally()
    for reply in (Reply(0, hit=True, old_s=2), Reply(0, old_s=9, marked=True), Reply(0)):
        tally.add(reply)
    told = tally.summary()
    assert (told["old_and_marked"], told["old_s_worst"], told["hit_share"]) == (1, 2, 0.3333)


def test_the_plot_has_both_lines_in_both_panels_and_the_events() -> None:
    line = {"hit_share_by_hour": [0.5] * 24, "supabase_by_hour": [7] * 24}
    root = ET.fromstring(drawing({"ours": line, "ttl": line}, {"outage": 14}))  # noqa: S314 - ours
    assert len(root.findall("{*}polyline")) == 4
    assert "outage" in [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_in_an_hour_with_an_outage_nobody_near_gets_an_old_answer_that_looks_fresh() -> None:
    """A read may overtake its change: the outbox is asked at most every 300 ms."""
    began_s = SHORT.first_hour * HOUR_S
    events = Events(began_s + 600, began_s + 1200, began_s + 2400, outage_for_s=300)
    told: Any = simulate(SHORT, events)
    ours = told["ours"]
    assert ours["replies"] == len(list(reads(SHORT)))
    assert ours["old_near_s_worst"] < 3
    assert 0 < ours["hit_share"] < 1
    assert ours["operations"]["get"] >= ours["replies"]


def test_without_edits_and_events_nothing_is_old_or_fails() -> None:
    told: Any = simulate(Shape(5_000, 0, first_hour=15, hours=1), QUIET)
    assert (told["ours"]["old_share"], told["ours"]["failed"]) == (0, 0)
