"""Hits while rows are edited: how many readers the cache answers, and whether with the new rows.

It measures shares and no speed, so everything runs at once. Each kind of read has a process of ours
for itself: otherwise one kind would push another one's answers out of those that ours keeps fresh.
"""

import json
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import dataset
import rest_reads
from contenders import KEY, LESSON, OURS
from edited_articles import IDS, KINDS, Kind, row
from edited_database import Database, Supabase, serving
from load import Load, Reader, Reply
from outbox import ARTICLES, COMMENTS, TABLES
from readers import Shares, shares_of_lesson, shares_of_ours
from samples import WHOLE, Key, Samples
from serving import Entry, Server, http, require_alive, start
from stage import Stage

NOTHING = "nothing"

EDITED = (NOTHING, COMMENTS, ARTICLES)
"""What is edited, one after the other. No read shows comments."""

READS_A_SECOND = 20
"""Of each kind."""

EDIT_EVERY_S = 1.0

_VARIABLES = {"TABLES": json.dumps(TABLES), "REVALIDATE_SECRET": "only-for-the-benchmark"}
_HEADERS = {OURS: rest_reads.HEADERS, LESSON: {"apikey": KEY}}

_FIRST_POKE_S = 1.0
"""Ours has no cursor before the first poke, so that one makes everything outdated."""

_SETTLE_S = 2.0
"""After the warm-up, ours still writes entries."""

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

    def edit(self, table: str, times: int) -> None:
        """Edit a random row of a table each second."""
        order = random.Random(_SEED)  # noqa: S311 - no secret
        began = time.monotonic()
        for number in range(times):
            time.sleep(max(0, began + number * EDIT_EVERY_S - time.monotonic()))
            article = order.choice(IDS)
            self.database.edit(table, article, time.time())
            self.tell(table, article)

    def tell(self, table: str, article: int) -> None:
        """Send ours a poke, and the lesson the webhook that it has for articles."""
        for server in self.servers:
            if server.name == OURS:
                http.post(f"{server.url}/revalidate").raise_for_status()
            elif table == ARTICLES:
                change = self._change(article)
                http.post(f"{server.url}/revalidate", json=change).raise_for_status()

    def _change(self, article: int) -> dict[str, object]:
        record = row(article, self.database.articles.editions())
        change = {"type": "UPDATE", "schema": "public", "table": ARTICLES}
        return {**change, "record": record, "old_record": record}


@dataclass(frozen=True)
class Readers:
    """The readers of one kind, the Worker that they ask, and the Supabase that it asks."""

    kind: Kind
    server: Server
    supabase: Supabase

    def reader(self, paths: Sequence[str]) -> Reader:
        """Return them as one reader of some paths."""
        return Reader(self.server.url, _HEADERS[self.server.name], paths)

    def asked(self) -> int:
        """Return how often Supabase was asked for what they read."""
        return self.supabase.asked_for(self.kind.paths)

    def shares(self, paths: Sequence[str], replies: Sequence[Reply], asked: int) -> Shares:
        """Return the shares of the answers. Supabase had been ``asked`` so often before."""
        articles = self.supabase.database.articles
        if self.server.name == OURS:
            return shares_of_ours(articles, paths, replies)
        return shares_of_lesson(articles, paths, replies, self.asked() - asked)


def measure_edits(stage: Stage, samples: Samples, *, seconds: float) -> None:
    """Add one value of each metric. What is edited changes after these seconds."""
    database = Database()
    with _started(stage, database) as crowd:
        servers = {readers.server.url: readers.server for readers in crowd}
        editor = Editor(database, list(servers.values()))
        _warm_up(stage.load, editor, crowd)
        for edited in EDITED:
            found = _measure(stage.load, editor, crowd, edited, seconds)
            for readers, shares in zip(crowd, found, strict=True):
                _add(samples, edited, readers, shares)
        for server in editor.servers:
            require_alive(server.process)


@contextmanager
def _started(stage: Stage, database: Database) -> Iterator[list[Readers]]:
    """Start a process of ours for each kind of read, and one of the lesson for all of them."""
    with ExitStack() as stack:
        ours, lessons = (stack.enter_context(serving(database)) for _ in range(2))
        crowd = [Readers(kind, _start(stage, stack, OURS, ours, kind.name), ours) for kind in KINDS]
        lesson = _start(stage, stack, LESSON, lessons, "all")
        yield [*crowd, *(Readers(kind, lesson, lessons) for kind in KINDS)]


def _start(stage: Stage, stack: ExitStack, name: str, supabase: Supabase, reads: str) -> Server:
    folder = stage.work / "edits" / reads
    folder.mkdir(parents=True)
    contender = stage.contenders[name].given({**_VARIABLES, "SUPABASE_URL": supabase.url})
    server = start(contender, folder, Entry(dataset.TINY.body))
    stack.callback(server.process.stop)
    return server


def _warm_up(load: Load, editor: Editor, crowd: Sequence[Readers]) -> None:
    """Let ours learn what the database has, and have every answer in KV."""
    editor.tell(COMMENTS, IDS[0])
    time.sleep(_FIRST_POKE_S)
    load.steady([one.reader(one.kind.paths) for one in crowd], per_second=READS_A_SECOND)
    time.sleep(_SETTLE_S)


def _measure(
    load: Load, editor: Editor, crowd: Sequence[Readers], edited: str, seconds: float
) -> list[Shares]:
    """Let all readers ask while something is edited, and return the shares of each."""
    order = random.Random(_SEED)  # noqa: S311 - no secret
    reads = round(seconds * READS_A_SECOND)
    edits = 0 if edited == NOTHING else round(seconds / EDIT_EVERY_S)
    paths = [order.choices(one.kind.paths, k=reads) for one in crowd]
    asked = [one.asked() for one in crowd]
    with ThreadPoolExecutor(1) as pool:
        editing = pool.submit(editor.edit, edited, edits)
        readers = [one.reader(some) for one, some in zip(crowd, paths, strict=True)]
        answered = load.steady(readers, per_second=READS_A_SECOND)
        editing.result()
    return [
        one.shares(some, replies, before)
        for one, some, replies, before in zip(crowd, paths, answered, asked, strict=True)
    ]


def _add(samples: Samples, edited: str, readers: Readers, shares: Shares) -> None:
    for metric, value in ((hit_share(edited), shares.hits), (old_share(edited), shares.old)):
        key = Key(scenario(readers.kind), readers.server.name, WHOLE, metric)
        samples.add(key, value)
