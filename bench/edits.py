"""Hits while rows are edited: how many readers the cache answers, and whether with the new rows.

It measures shares and no speed, so everything runs at once. Each kind of read has a process of ours
for itself: otherwise one kind would push another one's answers out of those that ours keeps fresh.
"""

import asyncio
import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx

import dataset
from contenders import LESSON, OURS
from edited_articles import IDS, KINDS, Kind, row
from edited_database import Database, Supabase, serving
from outbox import ARTICLES, COMMENTS, TABLES
from readers import Answer, Readers
from samples import WHOLE, Key, Samples
from serving import Entry, Server, require_alive, start
from stage import Stage

NOTHING = "nothing"

EDITED = (NOTHING, COMMENTS, ARTICLES)
"""What is edited, one after the other. No read shows comments."""

EDIT_EVERY_S = 1.0

_VARIABLES = {"TABLES": json.dumps(TABLES), "REVALIDATE_SECRET": "only-for-the-benchmark"}
_TIMEOUT_S = 20.0

_FIRST_POKE_S = 1.0
"""Ours has no cursor before the first poke, so that one makes everything outdated."""

_SETTLE_S = 6.0
"""After the warm-up, ours still writes entries for a second, and reads again for up to 5 s."""

_SEED = 20


def scenario(kind: Kind) -> str:
    """Return the name under which the results of a kind of read are kept."""
    return f"edits: {kind.name}"


def hit_share(edited: str) -> str:
    """Return the name of the share of hits while something is edited."""
    return f"{edited}_hit_share"


def old_share(edited: str) -> str:
    """Return the name of the share of old answers while something is edited."""
    return f"{edited}_old_share"


@dataclass(frozen=True)
class Editor:
    """Edits the database's rows, and tells the Workers as the database would."""

    database: Database
    servers: Sequence[Server]
    client: httpx.AsyncClient

    async def edit(self, table: str, seconds: float) -> None:
        """Edit a random row of a table each second, or nothing."""
        order = random.Random(_SEED)  # noqa: S311 - no secret
        began = time.monotonic()
        for number in range(round(seconds / EDIT_EVERY_S) if table != NOTHING else 0):
            await asyncio.sleep(began + number * EDIT_EVERY_S - time.monotonic())
            article = order.choice(IDS)
            self.database.edit(table, article, time.monotonic())
            await self.tell(table, article)

    async def tell(self, table: str, article: int) -> None:
        """Send ours a poke, and the lesson the webhook that it has for articles."""
        contents = {OURS: "", LESSON: self._webhook(article)}
        told = [one for one in self.servers if one.name == OURS or table == ARTICLES]
        posts = [
            self.client.post(f"{one.url}/revalidate", content=contents[one.name]) for one in told
        ]
        for response in await asyncio.gather(*posts):
            response.raise_for_status()

    def _webhook(self, article: int) -> str:
        record = row(article, self.database.articles.editions())
        change = {"type": "UPDATE", "schema": "public", "table": ARTICLES}
        return json.dumps({**change, "record": record, "old_record": record})


def measure_edits(stage: Stage, samples: Samples, *, seconds: float) -> None:
    """Add one value of each metric. What is edited changes after these seconds."""
    database = Database()
    with _started(stage, database) as workers:
        asyncio.run(_measure(database, workers, samples, seconds))
        for server, *_ in workers:
            require_alive(server.process)


_Worker = tuple[Server, Supabase, Kind]
"""A Worker, the Supabase that it asks, and what its readers ask for."""


@contextmanager
def _started(stage: Stage, database: Database) -> Iterator[list[_Worker]]:
    """Start a process of ours for each kind of read, and one of the lesson for all of them."""
    with ExitStack() as stack:
        ours, lessons = (stack.enter_context(serving(database)) for _ in range(2))
        workers = [(_start(stage, stack, OURS, ours, kind.name), ours, kind) for kind in KINDS]
        lesson = _start(stage, stack, LESSON, lessons, "all")
        yield [*workers, *((lesson, lessons, kind) for kind in KINDS)]


def _start(stage: Stage, stack: ExitStack, name: str, supabase: Supabase, reads: str) -> Server:
    folder = stage.work / "edits" / reads
    folder.mkdir(parents=True)
    contender = stage.contenders[name].given({**_VARIABLES, "SUPABASE_URL": supabase.url})
    server = start(contender, folder, Entry(dataset.TINY.body))
    stack.callback(server.process.stop)
    return server


async def _measure(
    database: Database, workers: list[_Worker], samples: Samples, seconds: float
) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=_TIMEOUT_S) as client:
        servers = {server.url: server for server, *_ in workers}
        editor = Editor(database, list(servers.values()), client)
        crowd = [
            Readers(kind, server, supabase, client, random.Random(_SEED))  # noqa: S311 - no secret
            for server, supabase, kind in workers
        ]
        await _warm_up(editor, crowd)
        for edited in EDITED:
            editing = asyncio.ensure_future(editor.edit(edited, seconds))
            asking = (readers.ask(seconds) for readers in crowd)
            for readers, answers in zip(crowd, await asyncio.gather(*asking), strict=True):
                _add(samples, edited, readers, answers)
            await editing


async def _warm_up(editor: Editor, crowd: list[Readers]) -> None:
    """Let ours learn what the database has, and have every answer in KV."""
    await editor.tell(COMMENTS, IDS[0])
    await asyncio.sleep(_FIRST_POKE_S)
    await asyncio.gather(*(readers.ask_for_each() for readers in crowd))
    await asyncio.sleep(_SETTLE_S)


def _add(samples: Samples, edited: str, readers: Readers, answers: list[Answer]) -> None:
    for metric, found in (
        (hit_share(edited), [answer.is_hit for answer in answers]),
        (old_share(edited), [answer.is_old for answer in answers]),
    ):
        key = Key(scenario(readers.kind), readers.server.name, WHOLE, metric)
        samples.add(key, sum(found) / len(found))
