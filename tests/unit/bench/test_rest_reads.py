"""A client's read, as the benchmark sends it and finds it in KV."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import dataset
import rest_reads
from edge_cache.entries import parse_metadata
from edge_cache.queries import Query
from edge_cache.versions import MAX_NUMBER
from edge_cache.worker.canonical import Variant, query_in
from edge_cache.worker.sessions import Sessions
from stage import never_outdated, query_entry

FLOOR = Path(__file__).parents[3] / "bench" / "worker_sources" / "query_floor.py"


def key_of(path: str) -> str:
    """Return the key under which our Worker keeps the answer."""
    target, _, raw = path.removeprefix("/rest/v1/").partition("?")
    headers = rest_reads.HEADERS
    query = query_in("GET", target, raw, Variant(headers["accept"], headers["accept-profile"]))
    assert isinstance(query, Query)
    return query.path


def test_the_entrys_key_is_ours() -> None:
    """If the key were another one, the entry would never be found, nor be outdated."""
    assert key_of(rest_reads.PATH) == rest_reads.ENTRY_KEY
    assert key_of(rest_reads.filtered(7)) == rest_reads.filtered_key(7)


def test_the_floor_reads_the_same_key() -> None:
    """Reads of shorter or longer keys might take another time."""
    assert f'"{rest_reads.ENTRY_KEY}"' in FLOOR.read_text()


def test_an_old_entry_is_one_that_readers_take_for_an_entry() -> None:
    """If its metadata were malformed, it would be a miss and not an outdated entry."""
    entry = query_entry()
    metadata = parse_metadata(entry.metadata)
    assert metadata is not None
    assert (metadata.size, metadata.version) == (len(dataset.listed()), 1)


def test_no_change_makes_an_entry_outdated_that_a_scenario_writes() -> None:
    """Its version is the highest. If it were higher, the metadata would be malformed."""
    metadata = parse_metadata(never_outdated(query_entry()).metadata)
    assert metadata is not None
    assert metadata.version == MAX_NUMBER - 1


@pytest.mark.parametrize(
    ("headers", "has_session"),
    [(rest_reads.SESSION_HEADERS, True), (rest_reads.ODD_HEADERS, False)],
)
def test_a_user_differs_in_the_session_alone(headers: dict[str, str], *, has_session: bool) -> None:
    """The public key stays in `apikey`, as supabase-js sends it."""
    changed = headers.items() - rest_reads.HEADERS.items()
    ((name, value),) = changed
    assert name == "authorization"
    token = value.removeprefix("Bearer ")
    assert Sessions(lambda: int(time.time() * 1000)).accepts(token) is has_session
