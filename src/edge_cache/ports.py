"""What the program needs from outside, as types.

The Worker gets a `ReadableStore`, which has no ``put``. So the types ensure that only the refresher
writes.
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
"""Returns a body that any number of responses can send without copies of it."""


class Log(Protocol):
    """Writes one structured line for each decision, without keys, secrets and row content."""

    def __call__(self, event: str, /, **fields: object) -> None:
        """Write the event and its fields."""


Purge = Callable[[], Awaitable[bool]]
"""Makes the shared cache in front of the Worker forget everything. Returns whether it did."""


class PassOn(Protocol):
    """Passes a request on to Supabase, and hands on the answer. Both stay as they came."""

    async def __call__(
        self, request: object, url: str, cache_status: Callable[[int], str]
    ) -> Passed:
        """Send the runtime's own request to another URL. Raises UpstreamUnreachable.

        ``cache_status`` returns our member of Cache-Status for the answer's status.
        """


class StoredValue(Protocol):
    """A value of the store that is open and not yet read."""

    @property
    def metadata(self) -> str | None:
        """The metadata as JSON text, or None if the value has none."""

    @property
    def stream(self) -> Stream:
        """The value. A response must send it, or somebody must cancel it."""

    async def read(self) -> bytes:
        """Return the whole value. Do not use `stream` as well."""


class ReadableStore(Protocol):
    """Workers KV as readers see it."""

    async def open(self, key: str) -> StoredValue | None:
        """Return what lies under a key, or None. Raises StoreError."""

    async def open_versioned(
        self, key: str, version_key: str
    ) -> tuple[StoredValue | None, Versions]:
        """Return what lies under a key, and the published versions. Raises StoreError.

        Both reads run at the same time.
        """


class WritableStore(Protocol):
    """Workers KV as the refresher sees it. Every method raises StoreError."""

    async def put(self, key: str, body: bytes, metadata: str, ttl_s: int | None = None) -> None:
        """Overwrite a value and its metadata. KV deletes them after ``ttl_s`` (None: never)."""

    async def put_versions(self, version_key: str, versions: Versions) -> None:
        """Overwrite the published versions."""

    async def delete(self, key: str) -> None:
        """Delete a value. If there is none, that is no error."""

    async def entries(self, prefix: str, *, at_most: int | None = None) -> dict[str, str | None]:
        """Return the keys that begin with ``prefix``, in order, and the metadata (JSON) of each."""


class Storage(Protocol):
    """An object's storage. What is put is safe before anything leaves the object."""

    def get(self, key: str) -> str | None:
        """Return a text, or None."""

    def put(self, key: str, text: str) -> None:
        """Keep a text."""

    async def set_alarm(self, at_ms: int) -> None:
        """Wake the object at a Unix time in milliseconds, even if it ended before."""


class Source(Protocol):
    """Where rows and answers to queries come from."""

    async def read(self, resource: Resource) -> Representation:
        """Return the complete, valid answer. Raises NotFound or UpstreamError."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The answer to a miss.

    ``stored`` is true if KV has the entry, or the object is writing it. ``asked`` is true if
    Supabase was asked. If not, the entry was still in the object's memory.
    """

    entry: Entry[Body]
    stored: bool
    asked: bool


@dataclass(frozen=True, slots=True)
class Announced:
    """What the database's outbox announced since a cursor.

    ``cursor`` is where the next reading begins. If this one is not ``complete``, anything may have
    changed. Changes of the declared tables in ``unwatched`` do not reach the outbox.
    """

    cursor: str
    complete: bool
    changes: tuple[Change, ...]
    unwatched: tuple[Table, ...]


class Outbox(Protocol):
    """Where the database keeps the changes that it announced."""

    @property
    def is_open(self) -> bool:
        """Whether it may be asked. Without a secret it may not."""

    async def announced(self, after: str | None) -> Announced | None:
        """Return what was announced since a cursor, or None if there is no outbox.

        Raises UpstreamError.
        """


@dataclass(frozen=True, slots=True)
class Missed:
    """The changes that no webhook brought.

    - ``rows`` has the ids of the changed rows by their table's name. None means all rows.
    - ``changes`` is the number of changes, also of tables that are not declared.
    - If it is not ``complete``, anything may have changed.
    - ``cursor`` is where the next reading begins, once all of these changes are recorded.
    - ``unwatched`` has the names of the tables whose changes are missing here.
    """

    cursor: str
    changes: int
    rows: Mapping[str, Sequence[str] | None]
    unwatched: Sequence[str]
    complete: bool

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to record."""
        return self.complete and not self.changes


class ObjectAnswer(Protocol):
    """An object's answer."""

    @property
    def is_ok(self) -> bool:
        """Whether it is a success."""

    @property
    def body(self) -> Body:
        """The body. A response must send it, or somebody must release it."""

    def header(self, name: str) -> str | None:
        """Return a header's value, or None."""

    async def text(self) -> str:
        """Return the body as text. Raises RefresherUnavailable."""


class CallObject(Protocol):
    """Calls objects."""

    async def __call__(self, name: str, url: str, body: str = "") -> ObjectAnswer:
        """Send a request to the object with this name. Raises RefresherUnavailable."""


class Refreshing(Protocol):
    """The refresher as the Worker sees it. Every method raises EdgeCacheError."""

    async def fill(self, resource: Resource, *, version: int, has_stale: bool) -> Filled:
        """Return an entry that a reader misses, at least as new as the version that the reader saw.

        If the reader has an outdated entry (``has_stale``), it does not wait long. Then this raises
        StillReading or NotAsked.
        """

    async def renew(self, resource: Resource, asked_at_ms: int) -> None:
        """Read an entry again, unless a reader is known to have wanted it after ``asked_at_ms``."""

    async def revalidate(self, scope: Scope) -> None:
        """Make a scope's entries outdated. If it is a table, also refresh the table's entry."""

    async def check(self, table: Table) -> bool:
        """Return whether a table differs from its entries. If it does, revalidate it."""

    async def record(self, scope: Scope, row_ids: Sequence[str] | None, number: int = 0) -> None:
        """Record a change of a scope and these rows (None: all), and refresh what it touches.

        ``number`` is the change's own in the database. Only the project needs it, and only after
        the table has recorded the change.
        """

    async def missed(self) -> Missed | None:
        """Return the changes that no webhook brought, or None if nobody can know."""

    async def caught_up(self, cursor: str) -> None:
        """Remember that all changes before ``cursor`` are recorded."""

    async def status(self, scope: Scope) -> dict[str, object]:
        """Return a scope's state for `/health`, as JSON members."""
