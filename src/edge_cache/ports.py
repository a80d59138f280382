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
from edge_cache.resources import Change, Resource, Table

NowMs = Callable[[], int]
"""Returns the Unix time in milliseconds."""

Sleep = Callable[[float], Awaitable[None]]
"""Waits for a number of seconds."""


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

    async def open_row(self, key: str, epoch_key: str) -> tuple[StoredValue | None, int]:
        """Return a row's value and its table's epoch in milliseconds (0: none). Raises StoreError.

        Both are read at once.
        """


class WritableStore(Protocol):
    """Workers KV as the refresher sees it. Every method raises StoreError."""

    async def put(self, key: str, body: bytes, metadata: str) -> None:
        """Overwrite a value and its metadata."""

    async def put_epoch(self, epoch_key: str, epoch_ms: int) -> None:
        """Overwrite a table's epoch."""

    async def delete(self, key: str) -> None:
        """Remove a value; removing none is no error."""


class Storage(Protocol):
    """A Durable Object's storage: what is put is safe before anything leaves the object."""

    def get(self, key: str) -> str | None:
        """Return a text, or None."""

    def put(self, key: str, text: str) -> None:
        """Keep a text."""

    def delete(self, key: str) -> None:
        """Remove a text; removing none is no error."""

    def list(self, prefix: str) -> dict[str, str]:
        """Return all texts whose keys begin so."""

    async def alarm(self) -> int | None:
        """Return when the alarm is due, a Unix time in milliseconds, or None."""

    async def set_alarm(self, at_ms: int) -> None:
        """Have the object woken at a Unix time in milliseconds, even if it was killed by then."""


class Source(Protocol):
    """Where the rows come from."""

    async def read(self, resource: Resource) -> bytes:
        """Return the complete, valid JSON text. Raises NotFound or UpstreamError."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a refresh gave: ``body`` is bytes or a stream; ``stored`` tells whether KV has it."""

    metadata: Metadata
    body: Body
    stored: bool


class Refreshing(Protocol):
    """The refresher as the Worker sees it. Every method raises EdgeCacheError."""

    async def fill(self, resource: Resource, *, has_stale: bool) -> Filled:
        """Read an entry that readers miss, and write it."""

    async def renew(self, resource: Resource, read_at_ms: int) -> None:
        """Read an entry anew unless that happened after the given time."""

    async def revalidate(self, table: Table) -> None:
        """Read a table anew and overwrite its entries."""

    async def check(self, table: Table) -> None:
        """Revalidate a table if its entries are not as it is."""

    async def record(self, change: Change) -> None:
        """Keep a change safe, and refresh what it touches."""

    async def status(self, table: Table) -> dict[str, object]:
        """Return how a table's refreshes go, as JSON members."""
