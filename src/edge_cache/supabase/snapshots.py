"""Tables as they were at one moment. A function in the database reads them in one statement.

The script of ``npm run sql`` installs the function. One statement sees one state of the database.
Its answer is one value, and ``max_rows`` does not cut that.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote, urlencode

import httpx

from edge_cache.errors import InvalidAnswer
from edge_cache.pauses import OVER, Pause
from edge_cache.ports import NowMs
from edge_cache.supabase.answers import is_no_function, require_storable, require_success, rows_in
from edge_cache.supabase.pages import Page
from edge_cache.supabase.requests import Requests
from edge_cache.tables import Table

PAUSE_MS = 5 * 60 * 1000
"""If the function is not there, we do not ask for it again for so long."""

_FUNCTION = "rpc/edge_cache_snapshot"

_ONE_VALUE = "0-0/*"
"""The Content-Range of a function that returns one value."""


class Snapshots:
    """Reads tables with the function, if it is installed."""

    def __init__(self, requests: Requests, now_ms: NowMs) -> None:
        self._requests = requests
        self._now_ms = now_ms
        self._missed: dict[Table, Pause] = {}

    async def read(self, table: Table) -> Page | None:
        """Return the whole table as one page, or None if the function is not installed.

        Raises UpstreamError.
        """
        if self._was_missed_just_now(table):
            return None
        response = await self._requests.get(_target(table))
        # If the key may not read the table itself, reading its pages shows that.
        if is_no_function(response):
            self._missed[table] = Pause(self._now_ms(), PAUSE_MS)
            return None
        require_success(response, table)
        require_storable(response, table)
        _require_one_value(response)
        rows = len(rows_in(response))
        return Page(response.content, 0, rows, rows)

    def _was_missed_just_now(self, table: Table) -> bool:
        if not self._missed.get(table, OVER).is_over(self._now_ms()):
            return True
        # Forgotten, so that the pause does not begin again if the clock is set back.
        self._missed.pop(table, None)
        return False


def _target(table: Table) -> str:
    arguments = {
        "schema_name": table.schema,
        "table_name": table.relation,
        "key_column": table.key,
    }
    return f"{_FUNCTION}?{urlencode(arguments, quote_via=quote)}"


def _require_one_value(response: httpx.Response) -> None:
    """Raise InvalidAnswer unless the answer is one value.

    Another function of this name could return rows, and those may be cut.
    """
    content_range = response.headers.get("content-range", _ONE_VALUE)
    if response.status_code != HTTPStatus.OK or content_range != _ONE_VALUE:
        raise InvalidAnswer(
            "Supabase's edge_cache_snapshot did not return one value: run the script of "
            "`npm run sql` again.",
            supabase_status=response.status_code,
        )
