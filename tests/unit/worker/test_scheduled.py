"""What the cron trigger does."""

from __future__ import annotations

import asyncio

import pytest
from faked_ports import FakeLog, FakeRefresher

from edge_cache.errors import RefresherUnavailable, UpstreamTimeout
from edge_cache.ports import Missed
from edge_cache.tables import Table
from edge_cache.worker.scheduled import heal

TABLES = (Table("articles"), Table("products"), Table("notes"))
CHECKS = [("check", table.name) for table in TABLES]
MINUTE_MS = 60_000
QUARTER_MS = 1_700_000_100_000
"""A quarter of an hour begins."""


def healed(refresher: FakeRefresher, at_ms: int = QUARTER_MS) -> list[dict[str, object]]:
    """Run what the trigger does; return what was logged."""
    log = FakeLog()
    asyncio.run(heal(TABLES, refresher, log, at_ms))
    return log.lines


def missed(
    rows: dict[str, list[str] | None], changes: int, *, complete: bool = True, unwatched: str = ""
) -> Missed:
    """Return what no webhook brought."""
    return Missed("c7", changes, rows, unwatched.split(), complete=complete)


def test_without_an_outbox_every_table_is_compared() -> None:
    """In turn, and without a word where all is well."""
    refresher = FakeRefresher()
    assert healed(refresher) == []
    assert refresher.asked == [("missed",), *CHECKS]


@pytest.mark.parametrize("minute", range(16))
def test_tables_are_compared_every_15_minutes(minute: int) -> None:
    """As that reads them whole; the outbox is asked every minute."""
    refresher = FakeRefresher()
    assert healed(refresher, QUARTER_MS + minute * MINUTE_MS + 59_999) == []
    assert refresher.asked == [("missed",), *(CHECKS if minute in {0, 15} else [])]


@pytest.mark.parametrize(
    ("minute", "compared"), [(0, []), (15, []), (30, []), (45, CHECKS), (105, CHECKS)]
)
def test_tables_that_the_outbox_watches_are_compared_every_hour(
    minute: int, compared: list[tuple[str, str]]
) -> None:
    """A partition that is dropped, or a policy that is changed, fires no trigger."""
    at_ms = QUARTER_MS + minute * MINUTE_MS
    refresher = FakeRefresher(misses=missed({}, 0, unwatched="products"))
    assert healed(refresher, at_ms) == []
    assert refresher.asked == [("missed",), *(compared or [("check", "products")])]


def test_what_no_webhook_brought_is_recorded() -> None:
    """By the tables and then by the project; only then the moment is caught up with."""
    refresher = FakeRefresher(misses=missed({"notes": None, "articles": ["1", "2"]}, 9))
    assert healed(refresher) == [{"event": "caught_up", "changes": 9, "complete": True}]
    assert refresher.asked == [
        ("missed",),
        ("record", "articles", ("1", "2")),
        ("record", "notes", None),
        ("record", "", ()),
        ("caught up", "c7"),
    ]


def test_changes_of_other_tables_are_the_projects() -> None:
    """A view or a function may read them."""
    refresher = FakeRefresher(misses=missed({}, 1))
    assert healed(refresher, 0 + MINUTE_MS) == [
        {"event": "caught_up", "changes": 1, "complete": True}
    ]
    assert refresher.asked == [("missed",), ("record", "", ()), ("caught up", "c7")]


def test_where_the_outbox_cannot_tell_all_count_as_changed() -> None:
    """All rows of all tables, as when it is asked for the first time."""
    refresher = FakeRefresher(misses=missed({"notes": ["1"]}, 1, complete=False))
    assert healed(refresher) == [{"event": "caught_up", "changes": 1, "complete": False}]
    assert refresher.asked == [
        ("missed",),
        *(("record", table.name, None) for table in TABLES),
        ("record", "", ()),
        ("caught up", "c7"),
    ]


@pytest.mark.parametrize("scope", ["articles", "notes", ""])
def test_what_could_not_be_recorded_is_missed_again(scope: str) -> None:
    """The moment is not caught up with, and the tables are compared when it is time."""
    refresher = FakeRefresher(misses=missed({"articles": ["1"], "notes": ["2"]}, 2))
    refresher.failing[scope] = RefresherUnavailable("No.")
    lines = healed(refresher, QUARTER_MS + MINUTE_MS)
    assert lines == [{"event": "catch_up_failed", "type": "refresher-unavailable", "detail": "No."}]
    assert ("caught up", "c7") not in refresher.asked
    assert ("record", "notes", ("2",)) in refresher.asked
    healed(refresher)
    assert refresher.asked[-1] == CHECKS[-1]


def test_an_outbox_that_fails_is_logged() -> None:
    """Then the tables are compared as if there was none."""
    refresher = FakeRefresher(failing={"outbox": UpstreamTimeout("Slow.")})
    assert healed(refresher) == [
        {"event": "catch_up_failed", "type": "supabase-timeout", "detail": "Slow."}
    ]
    assert refresher.asked == [("missed",), *CHECKS]


def test_where_a_table_had_changed_the_project_is_revalidated() -> None:
    """Once, after all were looked at: what one lacked, answers that read several may lack too."""
    refresher = FakeRefresher(changed={"articles", "notes"})
    assert healed(refresher) == []
    assert refresher.asked == [("missed",), *CHECKS, ("revalidate", "")]


@pytest.mark.parametrize("fails", [True, False])
@pytest.mark.parametrize("changed", TABLES)
def test_any_table_counts(changed: Table, *, fails: bool) -> None:
    """Also if those after it had not changed, or could not be looked at."""
    failing: dict[str, Exception] = {
        table.name: UpstreamTimeout("Slow.") for table in TABLES if fails and table is not changed
    }
    refresher = FakeRefresher(changed={changed.name}, failing=failing)
    healed(refresher)
    assert refresher.asked == [("missed",), *CHECKS, ("revalidate", "")]


def test_a_project_that_cannot_be_revalidated_is_logged() -> None:
    """The next time nothing may tell of it, so somebody should know."""
    refresher = FakeRefresher(changed={"notes"})
    refresher.failing[""] = RefresherUnavailable("No.")
    assert healed(refresher) == [
        {"event": "check_failed", "type": "refresher-unavailable", "detail": "No."}
    ]


def test_a_table_that_fails_does_not_stop_the_next() -> None:
    """Each failure is logged."""
    failing: dict[str, Exception] = {
        "articles": UpstreamTimeout("Slow."),
        "products": RefresherUnavailable("No."),
    }
    refresher = FakeRefresher(failing=failing)
    lines = healed(refresher)
    assert refresher.asked[-1] == ("check", "notes")
    assert lines == [
        {
            "event": "check_failed",
            "table": "articles",
            "type": "supabase-timeout",
            "detail": "Slow.",
        },
        {
            "event": "check_failed",
            "table": "products",
            "type": "refresher-unavailable",
            "detail": "No.",
        },
    ]
