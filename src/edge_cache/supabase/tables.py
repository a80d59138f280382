"""Whole tables: in one request wherever that is possible, and never a part of one."""

from __future__ import annotations

from edge_cache.ports import NowMs
from edge_cache.supabase.pages import Page, Pages
from edge_cache.supabase.requests import Requests
from edge_cache.supabase.snapshots import Snapshots
from edge_cache.tables import Table


class Tables:
    """Reads tables: a short one as its only page, a long one by the function or page by page.

    That a table is long is remembered, so that its first page is not read in vain the next time.
    """

    def __init__(self, requests: Requests, now_ms: NowMs) -> None:
        self._pages = Pages(requests)
        self._snapshots = Snapshots(requests, now_ms)
        self._page_rows: dict[Table, int] = {}

    async def read(self, table: Table) -> Page:
        """Return a table as the only page of its rows. Raises UpstreamError."""
        page_rows = self._page_rows.get(table)
        if page_rows is not None:
            whole = await self._snapshots.read(table)
            if whole:
                self._note(table, whole, page_rows)
                return whole
        first = await self._pages.first(table)
        self._note(table, first, first.rows)
        if first.is_whole:
            return first
        whole = await self._snapshots.read(table)
        return whole or await self._pages.all(table, first)

    def _note(self, table: Table, seen: Page, page_rows: int) -> None:
        """Remember a table that is longer than a page, and how long a page is."""
        if seen.total > page_rows:
            self._page_rows[table] = page_rows
        else:
            self._page_rows.pop(table, None)
