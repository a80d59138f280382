"""What releases 0.1.0 and 0.2.0 left in an object's storage and in Workers KV.

They numbered the changes of each table by itself, and their entries count as outdated here (see
`edge_cache.entries`). But a rollback may bring these releases back. Then they must not take one of
their entries for fresh that lacks a change of the meantime. So their versions are raised once.
"""

from __future__ import annotations

from edge_cache.entries import digest_of
from edge_cache.ports import Storage, WritableStore
from edge_cache.refresher.stored import restored

_KEY = "changes"
_SEEN_KEY = "changes_seen"


class Earlier:
    """Looks after what an earlier release knew of one table, or of the project (``name`` empty)."""

    def __init__(self, name: str, storage: Storage, store: WritableStore) -> None:
        self._versions_key = f"/{name}?version"
        self._storage = storage
        self._store = store
        self._text = storage.get(_KEY)

    @property
    def is_new(self) -> bool:
        """Whether an earlier release ran since this one looked last."""
        return self._text is not None and self._storage.get(_SEEN_KEY) != self._digest

    @property
    def _digest(self) -> str:
        return digest_of((self._text or "").encode(), 8)

    async def outdate(self) -> None:
        """Make that release's entries of rows and queries outdated for it. Raises StoreError."""
        version = restored(self._text, lambda told: told.get(0, int)) or 0
        await self._store.put_versions(self._versions_key, f"{version + 1} {version + 1}")
        self._storage.put(_SEEN_KEY, self._digest)
