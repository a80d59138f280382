"""What the pure modules need from outside, as types.

The read path gets a `ReadableStore`, which has no ``put``: that only the refresher writes is a fact
of the types, not a habit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from edge_cache.entries import Metadata
from edge_cache.http import Body, Stream
from edge_cache.resources import Change, Resource
from edge_cache.tables import Table

NowMs = Callable[[], int]
"""Returns the Unix time in milliseconds."""

Sleep = Callable[[float], Awaitable[None]]
"""Waits for a number of seconds."""

Share = Callable[[bytes], Body]
"""Returns a body that any number of responses may send without a copy for each."""


class Log(Protocol):
    """Writes one structured line for one decision; never a key, a secret or row content."""

    def __call__(self, event: str, /, **fields: object) -> None:
        """Write the event and its fields."""


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

    async def open_row(self, key: str, version_key: str) -> tuple[StoredValue | None, int]:
        """Return a row's value and its table's published version (0: none). Raises StoreError.

        Both are read at once.
        """


class WritableStore(Protocol):
    """Workers KV as the refresher sees it. Every method raises StoreError."""

    async def put(self, key: str, body: bytes, metadata: str) -> None:
        """Overwrite a value and its metadata."""

    async def put_version(self, version_key: str, version: int) -> None:
        """Overwrite a table's published version."""

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

    async def read(self, resource: Resource) -> bytes:
        """Return the complete, valid JSON text. Raises NotFound or UpstreamError."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a miss is answered with.

    ``stored`` tells whether KV has it or is being given it, ``asked`` whether Supabase was asked
    for it: if not, it was still in the refresher's memory.
    """

    metadata: Metadata
    body: Body
    stored: bool
    asked: bool


class Refreshing(Protocol):
    """The refresher as the Worker sees it. Every method raises EdgeCacheError."""

    async def fill(self, resource: Resource, *, version: int, has_stale: bool) -> Filled:
        """Return an entry that readers miss, at least as new as the version that they see.

        Whoever ``has_stale`` bytes to fall back on does not wait long: StillReading, NotAsked.
        """

    async def renew(self, resource: Resource, read_at_ms: int) -> None:
        """Read an entry anew, unless it is another one than that which was read then."""

    async def revalidate(self, table: Table) -> None:
        """Read a table anew, overwrite its entry, and make all its rows' entries stale."""

    async def check(self, table: Table) -> None:
        """Revalidate a table if its entries are not as it is."""

    async def record(self, change: Change) -> None:
        """Keep a change safe, and refresh what it touches."""

    async def status(self, table: Table) -> dict[str, object]:
        """Return how a table's refreshes go, as JSON members."""
