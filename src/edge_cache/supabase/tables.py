"""Whole tables, and never a part of one. If possible, one request reads all."""

from __future__ import annotations

from edge_cache.ports import NowMs
from edge_cache.supabase.pages import Page, Pages
from edge_cache.supabase.requests import Requests
from edge_cache.supabase.snapshots import Snapshots
from edge_cache.tables import Table


class Tables:
    """Reads a short table as its only page, and a long one with the function or page by page.

    It remembers which tables are long, so that it does not read their first page in vain.
    """

    def __init__(self, requests: Requests, now_ms: NowMs) -> None:
        self._pages = Pages(requests)
        self._snapshots = Snapshots(requests, now_ms)
        self._page_rows: dict[Table, int] = {}

    async def read(self, table: Table) -> Page:
        """Return a whole table as one page. Raises UpstreamError."""
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
        """If a table is longer than a page, remember it, and the length of a page."""
        if seen.total > page_rows:
            self._page_rows[table] = page_rows
        else:
            self._page_rows.pop(table, None)
