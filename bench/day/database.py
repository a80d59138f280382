"""The day's Supabase, in virtual time: articles that are edited, an outbox, and outages."""

import asyncio
import json
from collections.abc import Callable
from urllib.parse import parse_qsl

import httpx
from clock import Clock
from fake_postgrest import ROOT, Postgrest

import outbox
from day.history import History
from edited_articles import answer

ANSWER_S = 0.05
"""It answers after so long, with what was committed when it was asked."""

_CHANGES, _CATALOGUE = f"{ROOT}rpc/edge_cache_changes", f"{ROOT}rpc/edge_cache_catalogue"
_JSON = {"content-type": "application/json; charset=utf-8"}

Count = Callable[[str], None]


class Database(Postgrest):
    """A project with the script of `npm run sql`, where all readers get the same rows."""

    def __init__(self, clock: Clock, history: History, count: Count) -> None:
        super().__init__(clock)
        self.is_down = False
        self._history = history
        self._count = count
        self._noted = outbox.Outbox()
        self._schema = 1

    def edit(self, article: int | None) -> None:
        """Note an edit, as the triggers do."""
        self._noted.note(outbox.COMMENTS if article is None else outbox.ARTICLES, article)

    def change_schema(self) -> None:
        """Have another catalogue. The event trigger notes that."""
        self._schema += 1
        self._noted.note_schema()

    async def handle(self, request: httpx.Request, *, passed: bool) -> httpx.Response:
        """Answer, or refuse the connection during an outage."""
        path = request.url.path
        self._count(
            "passed" if passed else "changes" if path.startswith(f"{ROOT}rpc/") else "reads"
        )
        answered = self._rows_of(request) if request.method == "GET" else self._called(request)
        await asyncio.sleep(ANSWER_S)
        if self.is_down:
            raise httpx.ConnectError("refused")
        return answered

    def _rows_of(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith(("/articles", "/recent")):
            return httpx.Response(200, content=b"[]", headers=_JSON)
        query = dict(parse_qsl(request.url.query.decode()))
        body, rows = answer(query, self._history.editions)
        return httpx.Response(
            200, content=body, headers={**_JSON, "content-range": f"0-{rows - 1}/*"}
        )

    def _called(self, request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        if request.url.path == _CHANGES:
            return httpx.Response(200, json=self._noted.changes(asked))
        if request.url.path == _CATALOGUE:
            return httpx.Response(200, json=outbox.proven_catalogue(self._schema, asked["known"]))
        return httpx.Response(404, json={"code": "PGRST202", "message": "Could not find it"})
