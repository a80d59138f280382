"""An object's storage and alarm behind the port of `edge_cache.ports`."""

from __future__ import annotations

from typing import Any


class DurableStorage:
    """Texts by key in the object's SQLite database, through the synchronous interface.

    Before an answer or a request leaves the object, everything that was put is safe on disk:
    https://developers.cloudflare.com/durable-objects/reference/glossary/#output-gate
    """

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self._texts = storage.kv

    def get(self, key: str) -> str | None:
        """Return a text, or None."""
        value = self._texts.get(key)
        return value if isinstance(value, str) else None

    def put(self, key: str, text: str) -> None:
        """Keep a text."""
        self._texts.put(key, text)

    async def set_alarm(self, at_ms: int) -> None:
        """Wake the object at a Unix time in milliseconds, even if it ended before."""
        await self._storage.setAlarm(at_ms)
