"""What the cron trigger does."""

from __future__ import annotations

import asyncio

from faked_ports import FakeLog, FakeRefresher

from edge_cache.errors import RefresherUnavailable, UpstreamTimeout
from edge_cache.tables import Table
from edge_cache.worker.scheduled import check_all

TABLES = (Table("articles"), Table("products"), Table("notes"))


def test_every_table_is_checked() -> None:
    """In turn, and without a word where all is well."""
    refresher, log = FakeRefresher(), FakeLog()
    asyncio.run(check_all(TABLES, refresher, log))
    assert refresher.asked == [("check", "articles"), ("check", "products"), ("check", "notes")]
    assert log.lines == []


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
