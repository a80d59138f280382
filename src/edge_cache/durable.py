"""A Durable Object's storage and alarm behind the port of `edge_cache.ports`."""

from __future__ import annotations

from typing import Any

_MAX_KEYS = 128
"""How many keys one call of the storage takes.
https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/#delete"""


class DurableStorage:
    """Texts by key. The runtime answers nobody before what was put is safe on disk.

    https://developers.cloudflare.com/durable-objects/reference/glossary/#output-gate
    """

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    async def get(self, key: str) -> str | None:
        """Return a text, or None."""
        value = await self._storage.get(key)
        return value if isinstance(value, str) else None

    async def put(self, key: str, text: str) -> None:
        """Keep a text."""
        await self._storage.put(key, text)

    async def delete(self, keys: list[str]) -> None:
        """Remove texts."""
        for start in range(0, len(keys), _MAX_KEYS):
            await self._storage.delete(keys[start : start + _MAX_KEYS])

    async def list(self, prefix: str) -> dict[str, str]:
        """Return all texts whose keys begin so."""
        return dict(await self._storage.list({"prefix": prefix}))

    async def alarm(self) -> int | None:
        """Return when the alarm is due, a Unix time in milliseconds, or None."""
        due = await self._storage.getAlarm()
        return None if due is None else int(due)

    async def set_alarm(self, at_ms: int) -> None:
        """Have the object woken at a Unix time in milliseconds, even if it was killed by then."""
        await self._storage.setAlarm(at_ms)
