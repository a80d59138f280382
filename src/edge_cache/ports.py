"""What the program needs from outside, as types.

The Worker gets a `ReadableStore`, which has no ``put``. So the types ensure that only the refresher
writes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from edge_cache.bodies import Body, Stream
from edge_cache.changes import Change
from edge_cache.entries import Entry, Representation
from edge_cache.messages import Passed
from edge_cache.resources import Resource
from edge_cache.tables import Table, Target
from edge_cache.traffic import Counts, Sums
from edge_cache.versions import Published

NowMs = Callable[[], int]
"""Returns the Unix time in milliseconds."""

Background = Callable[[Awaitable[None]], None]
"""Lets something go on after the answer was sent."""

Record = Callable[[Sums], None]
"""Keeps outside what an isolate counted, if there is a place for that. It never raises."""

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
        self, key: str, versions_key: str
    ) -> tuple[StoredValue | None, Published]:
        """Return what lies under a key, and the published versions. Raises StoreError.

        Both reads run at the same time.
        """


class WritableStore(Protocol):
    """Workers KV as the refresher sees it. Every method raises StoreError."""

    async def put(self, key: str, body: bytes, metadata: str, ttl_s: int | None = None) -> None:
        """Overwrite a value and its metadata. KV deletes them after ``ttl_s`` (None: never)."""

    async def put_versions(self, versions_key: str, versions: str) -> None:
        """Overwrite the published versions (see `edge_cache.versions`)."""

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
    changed. ``concerns_catalogue`` is whether the schema, a policy or a grant may have changed.
    Changes of relations that are not ``watched`` (their ids) do not reach the outbox.
    """

    cursor: str
    complete: bool
    changes: tuple[Change, ...]
    concerns_catalogue: bool
    watched: frozenset[str]


@dataclass(frozen=True, slots=True)
class Found:
    """The database's catalogue as a text, and its fingerprint.

    The text is None if the fingerprint is the one that the asker knows.
    """

    fingerprint: str
    text: str | None


class Database(Protocol):
    """What the script of ``npm run sql`` answers. Every method raises UpstreamError.

    Every method returns None if the script is not installed.
    """

    @property
    def is_open(self) -> bool:
        """Whether it may be asked. Without a secret it may not."""

    async def announced(self, after: str | None) -> Announced | None:
        """Return what was announced since a cursor."""

    async def catalogue(self, known: str) -> Found | None:
        """Return the catalogue, if its fingerprint is not the one that is known."""


TABLE, VIEW, FUNCTION, UNKNOWN = "table", "view", "function", ""
"""What a name stands for. It is unknown if neither the declaration nor the catalogue has it."""

OWN, SHOWN, ANYWAY = "own", "shown", "everything"
"""How a target depends on a table: it serves the table itself; some answers show or use its rows;
nobody knows what some answers read, so each change counts."""


@dataclass(frozen=True, slots=True)
class Touched:
    """What a change would make outdated.

    ``kind`` is what the changed name stands for. If that is no table, everything would be outdated.
    ``reads`` are the names of what a view or a function reads, if that is known. ``targets`` has,
    by the name of each target that depends on the change, ``how`` it does that, and the ``paths``
    of the popular answers that would be outdated.
    """

    kind: str
    reads: Sequence[str]
    targets: Mapping[str, Mapping[str, object]]


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

    async def fill(
        self,
        resource: Resource,
        *,
        version: int,
        has_stale: bool,
        has_session: bool = False,
        trace: str = "",
    ) -> Filled:
        """Return an entry that a reader misses, at least as new as the version that the reader saw.

        If the reader has an outdated entry (``has_stale``), it does not wait long. Then this raises
        StillReading or NotAsked. If the reader is signed in (``has_session``), and nobody has
        proven that it gets the same as all others, this raises NotShared. ``trace`` is the reader's
        traceparent, if Supabase may have it.
        """

    async def renew(self, resource: Resource, asked_at_ms: int) -> None:
        """Read an entry again, unless a reader is known to have wanted it after ``asked_at_ms``."""

    async def remove(self, resource: Resource) -> None:
        """Remove an entry from KV and from memory."""

    async def remove_all(self, target: Target, after: str) -> Sequence[str]:
        """Remove a target's next entries after a key. Return their keys, or none at the end."""

    async def revalidate(self) -> None:
        """Make all entries outdated, and read all tables again."""

    async def check(self, table: Table) -> bool:
        """Return whether a table differs from its entries."""

    async def record(self, changes: Sequence[Change], *, written: bool = False) -> None:
        """Record changes, and make what depends on them outdated.

        ``written`` is whether a write that passed through the Worker made them. Then the database's
        outbox is asked first, because it knows more exactly what changed.
        """

    async def poke(self) -> None:
        """Have the database's outbox asked soon."""

    async def count(self, counts: Counts) -> None:
        """Hand over what was counted of requests."""

    async def traffic(self) -> dict[str, Any]:
        """Return what was counted of requests, as JSON members."""

    async def queries(self) -> dict[str, Any]:
        """Return what is asked for most, as JSON members."""

    async def touches(self, change: Change) -> Touched:
        """Return what a change would make outdated. Nothing changes."""

    async def catch_up(self) -> Sequence[str] | None:
        """Ask the database for changes, and record them.

        Return the names of the tables whose changes do not reach the outbox, or None if there is no
        outbox.
        """

    async def status(self, target: Target | None) -> dict[str, object]:
        """Return the state of a target, or of the ledger (None), for `/health`, as JSON members."""
