"""What the cron trigger does."""

from __future__ import annotations

import asyncio

import pytest
from faked_ports import FakeLog, FakeRefresher

from edge_cache.errors import RefresherUnavailable, UpstreamTimeout
from edge_cache.tables import Table
from edge_cache.worker.scheduled import check_all

TABLES = (Table("articles"), Table("products"), Table("notes"))
CHECKS = [("check", table.name) for table in TABLES]


def test_every_table_is_checked() -> None:
    """In turn, and without a word where all is well."""
    refresher, log = FakeRefresher(), FakeLog()
    asyncio.run(check_all(TABLES, refresher, log))
    assert refresher.asked == CHECKS
    assert log.lines == []


def test_where_a_table_had_changed_the_project_is_revalidated() -> None:
    """Once, after all were looked at: what one lacked, answers that read several may lack too."""
    refresher, log = FakeRefresher(changed={"articles", "notes"}), FakeLog()
    asyncio.run(check_all(TABLES, refresher, log))
    assert refresher.asked == [*CHECKS, ("revalidate", "")]
    assert log.lines == []


@pytest.mark.parametrize("fails", [True, False])
@pytest.mark.parametrize("changed", TABLES)
def test_any_table_counts(changed: Table, *, fails: bool) -> None:
    """Also if those after it had not changed, or could not be looked at."""
    failing: dict[str, Exception] = {
        table.name: UpstreamTimeout("Slow.") for table in TABLES if fails and table is not changed
    }
    refresher = FakeRefresher(changed={changed.name}, failing=failing)
    asyncio.run(check_all(TABLES, refresher, FakeLog()))
    assert refresher.asked == [*CHECKS, ("revalidate", "")]


def test_a_project_that_cannot_be_revalidated_is_logged() -> None:
    """The next time nothing may tell of it, so somebody should know."""
    refresher, log = FakeRefresher(changed={"notes"}), FakeLog()
    refresher.failing[""] = RefresherUnavailable("No.")
    asyncio.run(check_all(TABLES, refresher, log))
    assert log.lines == [
        {"event": "check_failed", "type": "refresher-unavailable", "detail": "No."}
    ]


def test_a_table_that_fails_does_not_stop_the_next() -> None:
    """Each failure is logged."""
    failing: dict[str, Exception] = {
        "articles": UpstreamTimeout("Slow."),
        "products": RefresherUnavailable("No."),
    }
    refresher, log = FakeRefresher(failing=failing), FakeLog()
    asyncio.run(check_all(TABLES, refresher, log))
    assert refresher.asked[-1] == ("check", "notes")
    assert log.lines == [
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
