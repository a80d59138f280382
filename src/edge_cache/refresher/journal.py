"""The scope's changes, kept in the Durable Object's storage. Pure."""

from __future__ import annotations

from dataclasses import replace

from edge_cache.ports import NowMs, Storage
from edge_cache.refresher.changes import Changes
from edge_cache.refresher.stored import restored

_KEY = "changes"


class Journal:
    """Holds the scope's `Changes`; what is noted is safe before anything leaves the object.

    A new object begins with the time in milliseconds as its version, which is above all that an
    earlier one, whose storage is lost, can have reached by counting changes. It is compared with no
    other time. Whether KV has an entry of the table it cannot know, and takes for granted; what is
    no table has none (``has_list``).

    If changes are stored that this version cannot read, some may be pending. So the object begins
    as a new one, and everything that was read before is out of date.
    """

    def __init__(self, storage: Storage, now_ms: NowMs, *, has_list: bool = True) -> None:
        self._storage = storage
        text = storage.get(_KEY)
        changes = restored(text, Changes.of)
        if changes:
            self.changes = changes
            return
        began_ms = now_ms()
        new = Changes(version=began_ms, since=began_ms, has_list=has_list)
        self.changes = new if text is None else replace(new, has_queries=True).with_change(None)
        self._store()  # entries are read at this version; a later life may not begin below it

    def note(self, changes: Changes) -> None:
        """Replace the scope's changes."""
        if changes != self.changes:
            self.changes = changes
            self._store()

    def raise_version(self) -> int:
        """Return a new version: a read that begins from now on has what happened until now."""
        self.note(self.changes.raised())
        return self.changes.version

    def _store(self) -> None:
        self._storage.put(_KEY, self.changes.to_json())
