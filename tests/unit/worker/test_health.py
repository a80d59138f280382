"""`/health`: whether readers can be served, and how the refreshes go."""

from __future__ import annotations

import asyncio

import pytest
from faked_ports import NOW_MS, FakeRefresher, FakeStore, FakeValue, members, now_ms, value_of

from edge_cache.entries import Metadata, etag_of
from edge_cache.errors import ConfigurationError, RefresherUnavailable, StoreError
from edge_cache.http import Answer
from edge_cache.tables import Declared, Table
from edge_cache.times import rfc3339
from edge_cache.worker.health import Health, misconfigured

TABLES = (Table("articles"), Table("products"), Table("notes"))
OTHERS = frozenset({("rpc/add", "public"), ("recent", "public"), ("recent", "api")})


def report(store: FakeStore, refresher: FakeRefresher) -> Answer:
    """Return the report on three tables."""
    return asyncio.run(
        Health(Declared(TABLES, OTHERS), "ab12", store, refresher, now_ms).report("open")
    )


NO_ENTRY = dict.fromkeys(("rows", "bytes", "read_at", "age", "version"))
"""What is told of an entry that is not there, or that another Worker wrote."""


def tables_of(answer: Answer) -> dict[str, object]:
    """Return the tables' members, having looked that they are in their order."""
    tables = members(answer.body)["tables"]
    assert isinstance(tables, dict)
    assert list(tables) == [table.name for table in TABLES]
    return tables


def test_a_table_is_served_from_its_entry_or_from_supabase() -> None:
    """So one without an entry is well as long as Supabase does not fail."""
    store = FakeStore({"/articles": value_of(b"[]")})
    refresher = FakeRefresher(
        statuses={
            "articles": {"failures": 2, "last_error": "x"},
            "": {"failures": 3, "queries": 1},
        }
    )
    answer = report(store, refresher)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert members(answer.body) == {
        "status": "ok",
        "configuration": "ok",
        "tables": {
            "articles": {
                "serving": True,
                "cached": True,
                "rows": None,
                "bytes": 2,
                "read_at": "1970-01-01T00:16:40+00:00",
                "age": 0,
                "version": 0,
                "failures": 2,
                "last_error": "x",
            },
            "products": {"serving": True, "cached": False, **NO_ENTRY, "failures": 0},
            "notes": {"serving": True, "cached": False, **NO_ENTRY, "failures": 0},
        },
        "project": {"serves": ["recent", "rpc/add"], "failures": 3, "queries": 1},
        "revalidation": "open",
        "now": "1970-01-01T00:16:40+00:00",
    }


def test_an_entry_is_described_by_its_metadata() -> None:
    """Its rows, size, age in seconds and version; KV's value is not looked into."""
    metadata = Metadata(etag_of(b""), 1_200_000, NOW_MS - 12_500, 7, rows=4000)
    store = FakeStore({"/notes": FakeValue(metadata.to_json())})
    notes = tables_of(report(store, FakeRefresher()))["notes"]
    assert notes == {
        "serving": True,
        "cached": True,
        "rows": 4000,
        "bytes": 1_200_000,
        "read_at": "1970-01-01T00:16:27+00:00",
        "age": 12,
        "version": 7,
        "failures": 0,
    }


@pytest.mark.parametrize("metadata", [None, "{}", "null"])
def test_nothing_is_known_of_another_workers_entry(metadata: str | None) -> None:
    """It is served all the same."""
    store = FakeStore({"/notes": FakeValue(metadata)})
    notes = tables_of(report(store, FakeRefresher()))["notes"]
    assert notes == {"serving": True, "cached": True, **NO_ENTRY, "failures": 0}


def test_the_project_has_no_say_in_whether_tables_are_served() -> None:
    """Even if it cannot be asked."""
    answer = report(FakeStore(), FakeRefresher(failing={"": RefresherUnavailable("No.")}))
    assert (answer.status, members(answer.body)["status"]) == (200, "ok")
    assert members(answer.body)["project"] == {
        "serves": ["recent", "rpc/add"],
        "error": RefresherUnavailable("No.").document(),
    }


def test_entries_are_looked_at_and_let_go() -> None:
    """An unread stream would hold its connection."""
    value = value_of(b"[]")
    report(FakeStore({"/articles": value}), FakeRefresher())
    assert value.stream.cancelled == 1


def test_an_entry_is_let_go_even_if_the_refresher_fails() -> None:
    """The stream is not for the report."""
    value = value_of(b"[]")
    report(
        FakeStore({"/articles": value}),
        FakeRefresher(failing={"articles": RefresherUnavailable("No.")}),
    )
    assert value.stream.cancelled == 1


@pytest.mark.parametrize(("ago_s", "serving"), [(299, False), (301, True)])
def test_without_an_entry_a_failing_supabase_is_unhealthy(ago_s: int, *, serving: bool) -> None:
    """One table is enough. Whether an older failure still holds nobody knows."""
    status: dict[str, object] = {"failures": 1, "failed_at_ms": NOW_MS - ago_s * 1000}
    answer = report(FakeStore(), FakeRefresher(statuses={"products": status}))
    assert answer.status == (200 if serving else 503)
    assert members(answer.body)["status"] == ("ok" if serving else "failing")
    assert tables_of(answer)["products"] == {
        "serving": serving,
        "cached": False,
        **NO_ENTRY,
        "failures": 1,
        "failed_at": rfc3339(NOW_MS - ago_s * 1000),
    }


def test_a_table_that_cannot_be_looked_at_hides_no_other() -> None:
    """Its problem stands in its place: KV's or the refresher's."""
    answer = report(
        FakeStore(failing={"/articles": StoreError("KV refused.")}),
        FakeRefresher(failing={"notes": RefresherUnavailable("No object.")}),
    )
    assert (answer.status, members(answer.body)["status"]) == (503, "failing")
    assert tables_of(answer) == {
        "articles": {
            "serving": False,
            "cached": None,
            "error": {
                "type": "urn:supabase-edge-cache:kv-unavailable",
                "title": "Workers KV failed",
                "status": 503,
                "detail": "KV refused.",
            },
        },
        "products": {"serving": True, "cached": False, **NO_ENTRY, "failures": 0},
        "notes": {
            "serving": False,
            "cached": None,
            "error": {
                "type": "urn:supabase-edge-cache:refresher-unavailable",
                "title": "The refresher did not answer",
                "status": 503,
                "detail": "No object.",
            },
        },
    }


def test_tables_are_looked_at_side_by_side() -> None:
    """A monitor waits for the slowest, not for the sum."""
    refresher = FakeRefresher(slow={"": 3})
    report(FakeStore(), refresher)
    assert refresher.most_at_once == 4


def test_a_worker_that_is_not_configured_lists_its_faults() -> None:
    """Each by itself, and 503."""
    answer = misconfigured(ConfigurationError(["One.", "Two."]))
    assert answer.status == 503
    assert members(answer.body) == {
        "status": "failing",
        "configuration": ["One.", "Two."],
        "tables": {},
        "project": {},
    }


def test_an_entry_of_another_project_is_none() -> None:
    metadata = Metadata(etag_of(b"[]"), 2, NOW_MS, 1, project="cd34")
    store = FakeStore({"/articles": FakeValue(metadata.to_json())})
    refresher = FakeRefresher(statuses={"articles": {"failures": 0}})
    told = tables_of(report(store, refresher))["articles"]
    assert told == {"serving": True, "cached": False, **NO_ENTRY, "failures": 0}
