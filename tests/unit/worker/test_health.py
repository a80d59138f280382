"""`/health`: whether readers can be served, and how the refreshes go."""

from __future__ import annotations

import asyncio

from faked_ports import FakeRefresher, FakeStore, members, value_of

from edge_cache.errors import ConfigurationError, RefresherUnavailable, StoreError
from edge_cache.http import Answer
from edge_cache.tables import Table
from edge_cache.worker.health import Health, misconfigured

TABLES = (Table("articles"), Table("products"), Table("notes"))


def report(store: FakeStore, refresher: FakeRefresher) -> Answer:
    """Return the report on three tables."""
    return asyncio.run(Health(TABLES, store, refresher).report())


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
            "articles": {"serving": True, "cached": True, "failures": 2, "last_error": "x"},
            "products": {"serving": True, "cached": False, "failures": 0},
            "notes": {"serving": True, "cached": False, "failures": 0},
        },
        "project": {"failures": 3, "queries": 1},
    }


def test_the_project_has_no_say_in_whether_tables_are_served() -> None:
    """Even if it cannot be asked."""
    answer = report(FakeStore(), FakeRefresher(failing={"": RefresherUnavailable("No.")}))
    assert (answer.status, members(answer.body)["status"]) == (200, "ok")
    assert members(answer.body)["project"] == {"error": RefresherUnavailable("No.").document()}


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


def test_without_an_entry_a_failing_supabase_is_unhealthy() -> None:
    """One table is enough."""
    answer = report(FakeStore(), FakeRefresher(statuses={"products": {"failures": 1}}))
    assert (answer.status, members(answer.body)["status"]) == (503, "failing")
    assert tables_of(answer)["products"] == {"serving": False, "cached": False, "failures": 1}


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
        "products": {"serving": True, "cached": False, "failures": 0},
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
