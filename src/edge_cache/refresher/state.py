"""What the refresher must still know after a restart, in the Durable Object's storage. Pure.

Besides the table's state this is a ledger of the row entries in KV: for each the digest of its row,
so that a table read later can tell which of them are out of date.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from edge_cache.entries import Metadata
from edge_cache.ports import Storage
from edge_cache.supabase.parsing import loads
from edge_cache.supabase.rows import row_digest

_STATE = "state"
_ROW = "row:"

_UNSURE = "?"
"""In the ledger while an entry is being written; equal to no digest."""


@dataclass(frozen=True, slots=True)
class TableState:
    """How the table's refreshes went; times are Unix times in milliseconds, 0 is never.

    ``etag`` is that of the table's entry as it was last written.
    """

    refreshed_at_ms: int = 0
    etag: str = ""
    epoch_ms: int = 0
    failures: int = 0
    failed_at_ms: int = 0
    error: str = ""

    def failed(self, slug: str, now_ms: int) -> TableState:
        """Return the state after one more failure in a row."""
        return replace(self, failures=self.failures + 1, failed_at_ms=now_ms, error=slug)

    def answered(self) -> TableState:
        """Return the state after Supabase answered."""
        return replace(self, failures=0)

    def refreshed(self, metadata: Metadata) -> TableState:
        """Return the state after the table's entry was written."""
        return replace(self, refreshed_at_ms=metadata.read_at_ms, etag=metadata.etag)

    def expired(self, epoch_ms: int) -> TableState:
        """Return the state after the rows' entries read before the epoch became stale."""
        return replace(self, epoch_ms=epoch_ms)


class State:
    """The table's state and the ledger of its row entries."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        text = storage.get(_STATE)
        self.table = TableState(**json.loads(text)) if text else TableState()

    def update(self, table: TableState) -> None:
        """Replace the table's state."""
        if table != self.table:
            self.table = table
            self._storage.put(_STATE, json.dumps(asdict(table)))

    def row_begins(self, key: str, read_at_ms: int) -> None:
        """Note that a row's entry is about to be written."""
        self._storage.put(_ROW + key, f"{read_at_ms} {_UNSURE}")

    def row_written(self, key: str, read_at_ms: int, body: bytes) -> None:
        """Note what a row's entry holds."""
        self._storage.put(_ROW + key, f"{read_at_ms} {row_digest(loads(body))}")

    def row_removed(self, key: str) -> None:
        """Note that a row has no entry."""
        self._storage.delete(_ROW + key)

    def rows(self) -> dict[str, str]:
        """Return the ledger: digests by the entries' keys; those from before the epoch go."""
        current = {}
        for name, text in self._storage.list(_ROW).items():
            read_at_ms, _, digest = text.partition(" ")
            if int(read_at_ms) < self.table.epoch_ms:
                self._storage.delete(name)
            else:
                current[name.removeprefix(_ROW)] = digest
        return current
