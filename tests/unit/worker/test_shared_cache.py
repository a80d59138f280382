"""What a shared cache in front of the Worker is told."""

from __future__ import annotations

import pytest
from faked_edge import BEARER, ELSEWHERE, FakedReader, FakedWorker, status_of, webhook
from faked_ports import FakeStream, FakeValue, filled_of, value_of
from hypothesis import given
from hypothesis import strategies as st

from edge_cache.config import PassThrough
from edge_cache.entries import Versions, etag_of
from edge_cache.errors import ConfigurationError, StillReading, UpstreamUnreachable
from edge_cache.http import Answer, Passed
from edge_cache.resources import Resource, resource_at
from edge_cache.tables import Table
from edge_cache.urls import cut
from edge_cache.worker import app
from edge_cache.worker.shared_cache import directed, tags_of

ARTICLES = Table("articles")
ROW = Resource(ARTICLES, "7")
URL = f"{ELSEWHERE}/articles/7"
N = 60
KEPT = "max-age=54, stale-while-revalidate=6, stale-if-error=86400"
PUBLIC_KEY = {"apikey": "key"}
MAX_TAG_BYTES = 1024


@pytest.fixture
def edge(edge: FakedWorker) -> FakedWorker:
    """Return a Worker behind a shared cache, with a table and a row in its store."""
    edge.shared_max_age_s = N
    edge.store.values["/articles"] = value_of(b"[]", age_s=900)
    edge.store.values["/articles/7"] = value_of(b"{}", age_s=900)
    edge.refresher.fills_with = filled_of(b"[]")
    return edge


TAGS = {"/articles": "articles,/articles", "/articles/7": "articles,/articles/7"}


@pytest.mark.parametrize("path", TAGS)
@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [("GET", {}, 200), ("HEAD", {}, 200), ("GET", {"if-none-match": "*"}, 304)],
)
def test_a_table_or_row_may_be_kept(
    edge: FakedWorker, path: str, method: str, headers: dict[str, str], status: int
) -> None:
    """For N seconds, those for asking again included; browsers ask each time as ever."""
    answer = edge.ask(method, path, headers)
    assert answer.status == status
    assert answer.headers["cdn-cache-control"] == KEPT
    assert answer.headers["cache-tag"] == TAGS[path]
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["etag"] in {etag_of(b"[]"), etag_of(b"{}")}


def test_the_time_in_kv_does_not_count(edge: FakedWorker) -> None:
    """What lies in KV for longer than N seconds would never be fresh in a shared cache."""
    assert "age" not in edge.ask("GET", "/articles").headers


@pytest.mark.parametrize(
    ("max_age_s", "told"),
    [
        (1, "max-age=1, stale-if-error=86400"),
        (9, "max-age=9, stale-if-error=86400"),
        (10, "max-age=9, stale-while-revalidate=1, stale-if-error=86400"),
        (3600, "max-age=3240, stale-while-revalidate=360, stale-if-error=86400"),
    ],
)
def test_no_answer_is_older_than_promised(max_age_s: int, told: str) -> None:
    """The time in which an old answer may be used while the Worker is asked is within N."""
    answer = directed(Answer(200, current=ROW), max_age_s, cut(URL))
    assert isinstance(answer, Answer)
    assert answer.headers["cdn-cache-control"] == told


@pytest.mark.parametrize(
    "path",
    [
        "/articles/7/",
        "/articles/%37",
        "/articles/7?",
        "/articles/7?x=1",
        "/articles/",
        "/articles?select=*",
    ],
)
def test_another_spelling_of_a_path_may_not_be_kept(edge: FakedWorker, path: str) -> None:
    """It would be a copy of its own, which a 404 at the row's path does not take away."""
    answer = edge.ask("GET", path)
    assert (answer.status, answer.headers["cdn-cache-control"]) == (200, "no-store")
    assert "cache-tag" not in answer.headers


@given(st.text(min_size=1))
def test_every_row_may_be_kept_under_its_own_path(row_id: str) -> None:
    """Whatever has to be percent-encoded in it."""
    row = Resource(ARTICLES, row_id)
    answer = directed(Answer(200, current=row), N, cut(ELSEWHERE + row.path))
    assert isinstance(answer, Answer)
    assert answer.headers["cdn-cache-control"] == KEPT


ELSE = {
    "/rest/v1/articles?select=*": ("GET", 200),
    "/": ("GET", 200),
    "/health": ("GET", 200),
    "/unknown": ("GET", 404),
    "/articles/1/2": ("HEAD", 404),
    "/articles": ("POST", 405),
    "/articles/7": ("OPTIONS", 204),
    "/revalidate": ("GET", 200),
    "/auth/v1/user": ("GET", 404),
}


@pytest.mark.parametrize("path", ELSE)
def test_nothing_else_may_be_kept(edge: FakedWorker, path: str) -> None:
    """Queries, problems, preflights, and what the Worker tells of itself."""
    method, status = ELSE[path]
    headers = PUBLIC_KEY if path.startswith("/rest/") else BEARER
    answer = edge.ask(method, path, headers)
    assert answer.status == status
    assert answer.headers["cdn-cache-control"] == "no-store"
    assert "cache-tag" not in answer.headers


def test_a_failure_may_not_be_kept(edge: FakedWorker) -> None:
    """Or it would outlive its cause; a shared cache has what it kept before."""
    edge.refresher.failing["products"] = UpstreamUnreachable("refused")
    answer = edge.ask("GET", "/products")
    assert (answer.status, answer.headers["cdn-cache-control"]) == (502, "no-store")


def test_what_a_webhook_is_told_may_not_be_kept(edge: FakedWorker) -> None:
    """Nobody would keep the answer to a POST; that it says so costs nothing."""
    answer = edge.ask("POST", "/revalidate", BEARER, webhook())
    assert (answer.status, answer.headers["cdn-cache-control"]) == (200, "no-store")


def test_an_answer_that_is_known_to_be_out_of_date_may_not_be_kept(edge: FakedWorker) -> None:
    """It would be shown for N seconds more once Supabase has given the new row."""
    edge.store.versions["/articles?version"] = Versions(rows=1)
    edge.refresher.failing["articles"] = StillReading("still reading")
    answer = edge.ask("GET", "/articles/7")
    assert (answer.status, status_of(answer)) == (200, "fwd=stale; detail=supabase-slow")
    assert answer.headers["cdn-cache-control"] == "no-store"


@pytest.mark.parametrize("age_s", [60, 61])
def test_an_entry_beyond_its_maximum_age_may_be_kept(reader: FakedReader, age_s: int) -> None:
    """Nothing newer is known of, and `no-store` would take away what a dead Worker needs."""
    reader.max_age_s = 60
    reader.keep(ROW, value_of(b"{}", age_s=age_s))
    assert reader.read(ROW).current == ROW


def test_another_workers_entry_may_be_kept(reader: FakedReader) -> None:
    """Of unknown age it is, and so beyond any maximum age; nothing newer is known of either."""
    reader.max_age_s = 60
    reader.keep(ROW, FakeValue(None, b"{}"))
    assert reader.read(ROW).current == ROW


def test_an_aged_entry_that_is_out_of_date_may_not_be_kept(reader: FakedReader) -> None:
    """That it is old as well changes nothing."""
    reader.max_age_s = 60
    reader.keep(ROW, value_of(b"{}", age_s=61), published=1)
    reader.refresher.failing["articles"] = UpstreamUnreachable("refused")
    answer = reader.read(ROW)
    assert (answer.status, answer.current) == (200, None)


def test_what_was_just_read_may_be_kept(edge: FakedWorker) -> None:
    """Whether or not there was an older entry."""
    edge.store.versions["/articles?version"] = Versions(rows=1)
    edge.refresher.fills_with = filled_of(b"{}", version=1)
    for path in ("/articles/7", "/articles/8"):
        assert edge.ask("GET", path).headers["cdn-cache-control"] == KEPT


def test_without_the_variable_nothing_is_said(edge: FakedWorker) -> None:
    """And Age tells the time since the entry was read, as ever."""
    edge.shared_max_age_s = None
    for path in ("/articles", "/articles/7", "/unknown", "/rest/v1/articles?select=*"):
        answer = edge.ask("GET", path, PUBLIC_KEY)
        assert not {"cdn-cache-control", "cache-tag"} & answer.headers.keys()
    assert edge.ask("GET", "/articles").headers["age"] == "900"


def test_a_worker_that_is_not_configured_still_answers(edge: FakedWorker) -> None:
    """Nobody knows the variable then; Cache-Control says enough."""

    def unconfigured() -> app.App:
        raise ConfigurationError(["SUPABASE_URL is missing."])

    answer = edge.ask("GET", "/articles", made=unconfigured)
    assert (answer.status, answer.headers["cache-control"]) == (500, "no-store")
    assert "cdn-cache-control" not in answer.headers


def test_what_is_passed_on_is_left_as_it_is() -> None:
    """It says `no-store` from where the runtime's response was made."""
    passed = Passed(FakeStream(), 200)
    assert directed(passed, N, cut(URL)) is passed


@pytest.mark.parametrize("obeys", [True, False])
def test_revalidation_by_hand_has_it_forget_what_it_keeps(edge: FakedWorker, obeys: bool) -> None:
    """The tables are fresh even if it does not, which the log tells."""
    edge.purge.obeys = obeys
    assert edge.ask("GET", "/revalidate", BEARER).status == 200
    assert edge.purge.times == 1
    assert edge.events() == [*([] if obeys else ["purge_failed"]), "revalidated"]


def test_what_was_refreshed_shows_even_if_a_table_failed(edge: FakedWorker) -> None:
    """The shared cache forgets the others' old answers."""
    edge.refresher.failing["products"] = UpstreamUnreachable("refused")
    assert edge.ask("GET", "/revalidate", BEARER).status == 502
    assert edge.purge.times == 1


def test_nothing_is_forgotten_without_need(edge: FakedWorker) -> None:
    """Cloudflare allows it some times a minute, and a webhook may come each second."""
    edge.ask("POST", "/revalidate", BEARER, webhook())
    edge.ask("GET", "/revalidate")
    edge.shared_max_age_s = None
    edge.ask("GET", "/revalidate", BEARER)
    assert edge.purge.times == 0


def test_a_refusal_to_pass_on_may_not_be_kept(edge: FakedWorker) -> None:
    """Of another caller the same URL may be answered from the cache."""
    edge.pass_through = PassThrough.OFF
    answer = edge.ask("GET", "/rest/v1/articles?select=*")
    assert (answer.status, answer.headers["cdn-cache-control"]) == (403, "no-store")


@given(st.text())
def test_tags_are_what_caches_take(row_id: str) -> None:
    """Printable ASCII without spaces and commas, of at most 1,024 bytes; the path, as it is."""
    resource = Resource(ARTICLES, row_id)
    table, own = tags_of(resource)
    assert table == "articles"
    assert own.isascii()
    assert own.isprintable()
    assert not set(own) & set(" ,")
    assert len(own) <= MAX_TAG_BYTES
    assert own == resource.key or "," in resource.key


def test_a_tag_belongs_to_a_row_however_its_path_is_spelled() -> None:
    """`%37` is 7."""
    spelled = resource_at("/articles/%37", (ARTICLES,))
    assert spelled is not None
    assert tags_of(spelled) == tags_of(ROW) == ("articles", "/articles/7")
