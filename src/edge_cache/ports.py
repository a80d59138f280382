"""What the pure modules need from outside, as types.

The read path gets a `ReadableStore`, which has no ``put``: that only the refresher writes is a fact
of the types, not a habit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from edge_cache.bodies import Body, Stream
from edge_cache.entries import Entry, Representation, Versions
from edge_cache.http import Passed
from edge_cache.resources import Change, Resource
from edge_cache.tables import Scope, Table

NowMs = Callable[[], int]
"""Returns the Unix time in milliseconds."""

Share = Callable[[bytes], Body]
"""Returns a body that any number of responses may send without a copy for each."""


class Log(Protocol):
    """Writes one structured line for one decision; never a key, a secret or row content."""

    def __call__(self, event: str, /, **fields: object) -> None:
        """Write the event and its fields."""


Purge = Callable[[], Awaitable[bool]]
"""Has the shared cache in front of the Worker forget what it keeps; tells whether it did."""


class PassOn(Protocol):
    """Hands a request to Supabase as it came, and its answer back as it came."""

    async def __call__(
        self, request: object, url: str, cache_status: Callable[[int], str]
    ) -> Passed:
        """Send the runtime's own request to another URL. Raises UpstreamUnreachable.

        ``cache_status`` returns the member of Cache-Status for the status of the answer.
        """


class StoredValue(Protocol):
    """A value of the store that has been opened and not yet read."""

    @property
    def metadata(self) -> str | None:
        """The metadata as JSON text, or None where the value was written without."""

    @property
    def stream(self) -> Stream:
        """The value, to be handed to a response or cancelled."""

    async def read(self) -> bytes:
        """Return the whole value; instead of using `stream`."""


class ReadableStore(Protocol):
    """Workers KV as readers see it."""

    async def open(self, key: str) -> StoredValue | None:
        """Return what lies under a key, or None. Raises StoreError."""

    async def open_versioned(
        self, key: str, version_key: str
    ) -> tuple[StoredValue | None, Versions]:
        """Return what lies under a key, and the published versions. Raises StoreError.

        Both are read at once.
        """


class WritableStore(Protocol):
    """Workers KV as the refresher sees it. Every method raises StoreError."""

    async def put(self, key: str, body: bytes, metadata: str, ttl_s: int | None = None) -> None:
        """Overwrite a value and its metadata; it goes by itself after so many seconds, if any."""

    async def put_versions(self, version_key: str, versions: Versions) -> None:
        """Overwrite the published versions."""

    async def delete(self, key: str) -> None:
        """Remove a value; removing none is no error."""

    async def entries(self, prefix: str, *, at_most: int | None = None) -> dict[str, str | None]:
        """Return the metadata, as JSON text or None, of the keys that begin so, in their order."""


class Storage(Protocol):
    """A Durable Object's storage: what is put is safe before anything leaves the object."""

    def get(self, key: str) -> str | None:
        """Return a text, or None."""

    def put(self, key: str, text: str) -> None:
        """Keep a text."""

    async def set_alarm(self, at_ms: int) -> None:
        """Have the object woken at a Unix time in milliseconds, even if it was killed by then."""


class Source(Protocol):
    """Where the rows come from."""

    async def read(self, resource: Resource) -> Representation:
        """Return the complete, valid answer. Raises NotFound or UpstreamError."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a miss is answered with.

    ``stored`` tells whether KV has it or is being given it, ``asked`` whether Supabase was asked
    for it: if not, it was still in the refresher's memory.
    """

    entry: Entry[Body]
    stored: bool
    asked: bool


@dataclass(frozen=True, slots=True)
class Announced:
    """What the database's outbox announced since a moment.

    ``cursor`` names the moment of this reading. Where that is not ``complete``, anything may have
    changed. ``unwatched`` are the declared tables of whose changes the outbox is not told.
    """

    cursor: str
    complete: bool
    changes: tuple[Change, ...]
    unwatched: tuple[Table, ...]


class Outbox(Protocol):
    """Where the database keeps the changes that it has announced."""

    @property
    def is_open(self) -> bool:
        """Whether it may be asked: not without a secret."""

    async def announced(self, after: str | None) -> Announced | None:
        """Return what was announced since a cursor's moment, or None where there is no outbox.

        Raises UpstreamError.
        """


@dataclass(frozen=True, slots=True)
class Missed:
    """The changes that no webhook brought.

    ``rows`` has the ids of the rows that changed by their table's name, None for all. ``changes``
    counts also those of tables that are not declared. Where it is not ``complete``, anything may
    have changed. Once all is recorded, ``cursor`` names the moment that was caught up with. Changes
    of the tables that are ``unwatched``, by name, are missing.
    """

    cursor: str
    changes: int
    rows: Mapping[str, Sequence[str] | None]
    unwatched: Sequence[str]
    complete: bool

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to be recorded."""
        return self.complete and not self.changes


class ObjectAnswer(Protocol):
    """What a Durable Object answered."""

    @property
    def is_ok(self) -> bool:
        """Whether it is a success."""

    @property
    def body(self) -> Body:
        """The body, to be handed on or released."""

    def header(self, name: str) -> str | None:
        """Return a header's value, or None."""

    async def text(self) -> str:
        """Return the body as a text. Raises RefresherUnavailable."""


class CallObject(Protocol):
    """Reaches Durable Objects."""

    async def __call__(self, name: str, url: str, body: str = "") -> ObjectAnswer:
        """Send a request to the object of a name. Raises RefresherUnavailable."""


class Refreshing(Protocol):
    """The refresher as the Worker sees it. Every method raises EdgeCacheError."""

    async def fill(self, resource: Resource, *, version: int, has_stale: bool) -> Filled:
        """Return an entry that readers miss, at least as new as the version that they see.

        Whoever ``has_stale`` bytes to fall back on does not wait long: StillReading, NotAsked.
        """

    async def renew(self, resource: Resource, asked_at_ms: int) -> None:
        """Read an entry anew, unless a reader was known to want it later than that."""

    async def revalidate(self, scope: Scope) -> None:
        """Make all entries of a scope stale; read a table anew and overwrite its entry."""

    async def check(self, table: Table) -> bool:
        """Revalidate a table if its entries are not as it is; tell whether that was so."""

    async def record(self, scope: Scope, row_ids: Sequence[str] | None, number: int = 0) -> None:
        """Keep a change of a scope and these rows, or all, safe, and refresh what it touches.

        The project is also told the change's number, once the table has it.
        """

    async def missed(self) -> Missed | None:
        """Return the changes that no webhook told of, or None where that cannot be known."""

    async def caught_up(self, cursor: str) -> None:
        """Note that what was missed until then is recorded."""

    async def status(self, scope: Scope) -> dict[str, object]:
        """Return how the refreshes go, as JSON members."""
