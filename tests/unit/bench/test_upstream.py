"""The server that takes Supabase's place while the benchmark runs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

import dataset
import rest_reads
from serving import Supabase, http, start_supabase

TABLE = dataset.Table(2_500)
SNAPSHOT = "/rest/v1/rpc/edge_cache_snapshot"


@pytest.fixture(scope="module")
def supabase(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supabase]:
    """Run the stand-in."""
    started = start_supabase(tmp_path_factory.mktemp("supabase"))
    yield started
    started.process.stop()


def test_a_table_longer_than_a_page_is_cut(supabase: Supabase) -> None:
    """Like PostgREST, it says how many rows there are if the request asks for a count."""
    supabase.serve(TABLE)
    url = f"{supabase.url}/rest/v1/articles?select=*&offset=2000"
    answer = http.get(url, headers={"prefer": "count=exact"})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == "2000-2499/2500"
    assert [row["id"] for row in answer.json()] == list(range(2001, 2501))


def test_whoever_names_a_limit_gets_the_list(supabase: Supabase) -> None:
    """Filters change nothing, so all queries have the same answer. An edit changes it."""
    url = supabase.url + rest_reads.filtered(7)
    for edited in (False, True):
        supabase.serve(TABLE, edited=edited)
        answer = http.get(url, headers=rest_reads.HEADERS)
        assert answer.content == dataset.listed(int(edited))
        assert answer.headers["content-range"] == "0-24/*"


def test_every_answer_waits_if_that_is_wanted(supabase: Supabase) -> None:
    """The hold is different: only the first answer waits for it."""
    supabase.serve(TABLE, delay_s=0.05)
    for _ in range(2):
        began = time.monotonic()
        http.get(supabase.url + rest_reads.PATH)
        assert time.monotonic() - began >= 0.045
    supabase.serve(TABLE)


def test_a_database_without_the_function_knows_no_snapshot(supabase: Supabase) -> None:
    """Most projects do not have the function. The question is counted all the same."""
    supabase.serve(TABLE)
    before = supabase.asked()
    answer = http.get(supabase.url + SNAPSHOT)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["code"] == "PGRST202"
    assert supabase.asked() == before + 1


def test_a_database_with_the_function_gives_the_whole_table(supabase: Supabase) -> None:
    """It returns all rows at once, even if a page may not have so many."""
    params = {"table": 0, "rows": TABLE.rows, "snapshot": 1}
    http.put(f"{supabase.url}/control", params=params).raise_for_status()
    before = supabase.asked()
    answer = http.get(supabase.url + SNAPSHOT, params={"relation": "articles"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == TABLE.body
    assert supabase.asked() == before + 1
