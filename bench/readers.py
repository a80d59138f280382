"""Readers who ask at a steady rate, whether or not the last answer has come, and check each answer."""

import asyncio
import random
import time
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

import httpx

import rest_reads
from contenders import KEY, LESSON, OURS
from edited_articles import Kind, is_answer, is_older
from edited_database import Supabase
from serving import Server
from shared.failure import Failure

READS_A_SECOND = 20

LATE_S = 3.0
"""An answer is old if it lacks an edit that was made longer than this before the reader asked."""

_HEADERS = {OURS: rest_reads.HEADERS, LESSON: {"apikey": KEY}}


@dataclass(frozen=True)
class Answer:
    """Whether an answer came from the cache, and whether it is old."""

    is_hit: bool
    is_old: bool


@dataclass(frozen=True)
class Readers:
    """The readers of one kind, the Worker that they ask, and the Supabase that it asks."""

    kind: Kind
    server: Server
    supabase: Supabase
    client: httpx.AsyncClient
    order: random.Random

    async def ask_for_each(self) -> None:
        """Ask once for everything there is."""
        for path in self.kind.paths:
            await self._read(path)

    async def ask(self, seconds: float) -> list[Answer]:
        """Ask for some seconds, each time for something at random."""
        began, reads = time.monotonic(), []
        for number in range(round(seconds * READS_A_SECOND)):
            await asyncio.sleep(began + number / READS_A_SECOND - time.monotonic())
            reads.append(asyncio.ensure_future(self._read(self.order.choice(self.kind.paths))))
        return await asyncio.gather(*reads)

    async def _read(self, path: str) -> Answer:
        asked_at, asked = time.monotonic(), self.supabase.asked[path]
        headers = _HEADERS[self.server.name]
        response = await self.client.get(self.server.url + path, headers=headers)
        self._require_answer(path, response)
        articles = self.supabase.database.articles
        is_old = is_older(response.content, articles.editions(asked_at - LATE_S))
        if self.server.name == LESSON:
            return Answer(self.supabase.asked[path] == asked, is_old)
        status = response.headers["cache-status"]
        if is_old and not is_marked(status):
            raise self._failure(path, f"it is old, but {status}")
        return Answer("; hit" in status, is_old)

    def _require_answer(self, path: str, response: httpx.Response) -> None:
        query, editions = urlsplit(path).query, self.supabase.database.articles.editions()
        is_right = is_answer(response.content, dict(parse_qsl(query)), editions)
        if response.status_code != HTTPStatus.OK or not is_right:
            raise self._failure(path, f"{response.status_code}: {response.text[:300]}")

    def _failure(self, path: str, what: str) -> Failure:
        return Failure(f'A wrong answer of "{self.server.name}" to {path}: {what}')


def is_marked(status: str) -> bool:
    """Return whether ours says that an answer is outdated, because Supabase is slow or failed."""
    return "detail=" in status and ("fwd=stale" in status or "failed-just-now" in status)
