"""A Durable Object's storage and alarm behind the port of `edge_cache.ports`."""

from __future__ import annotations

from typing import Any


class DurableStorage:
    """Texts by key, in the SQLite database of the object, through its synchronous interface.

    Nothing leaves the object, neither an answer nor a request, before what was put is safe on disk:
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

    def delete(self, key: str) -> None:
        """Remove a text; removing none is no error."""
        self._texts.delete(key)

    def list(self, prefix: str) -> dict[str, str]:
        """Return all texts whose keys begin so."""
        return dict(self._texts.list({"prefix": prefix}))

    async def alarm(self) -> int | None:
        """Return when the alarm is due, a Unix time in milliseconds, or None."""
        due = await self._storage.getAlarm()
        return None if due is None else int(due)

    async def set_alarm(self, at_ms: int) -> None:
        """Have the object woken at a Unix time in milliseconds, even if it was killed by then."""
        await self._storage.setAlarm(at_ms)
