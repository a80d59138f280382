"""The versions of a scope, and which changes readers do not see yet, as one small value.

Every change raises the version, a whole number. A read has the version that was current before it
began, so its answer has every change up to that one. Only versions decide which of two states is
newer, because clocks differ and jump.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from edge_cache.entries import NO_VERSIONS, Versions
from edge_cache.ports import NowMs, Storage
from edge_cache.refresher.stored import Stored, restored
from edge_cache.resources import Resource

_KEY = "changes"
"""The object's storage keeps the value under this key."""

MAX_ROWS = 20
"""If more rows than this are pending, all rows of the table count as changed."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The versions of a scope and of its pending changes.

    - ``version`` is the latest change's.
    - An entry is outdated if it was read below ``stale``. Readers know that once KV has these
      versions. KV has the versions in ``published``.
    - ``listed`` is the latest change that the table's entry lacks (0: none).
    - ``rows`` has the latest change of each row whose entry lacks one.
    - ``queried`` is the latest change that the queries kept warm lack (0: none).
    - ``has_list`` is whether KV can have the table's entry, and ``has_queries`` whether it can have
      entries of queries. If not, none can be outdated.
    - If something was read below ``since``, it was written by an object whose storage is lost.
    """

    version: int = 0
    stale: Versions = NO_VERSIONS
    published: Versions = NO_VERSIONS
    listed: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    queried: int = 0
    has_list: bool = True
    has_queries: bool = False
    since: int = 0

    @property
    def is_published(self) -> bool:
        """Whether readers know which entries are outdated."""
        rows, queries = self.published.rows, self.published.queries
        return rows >= self.stale.rows and queries >= self.stale.queries

    @property
    def pending(self) -> int:
        """How many entries must be refreshed. All rows, or all queries, count as one."""
        return bool(self.listed) + bool(self.queried) + (not self.is_published) + len(self.rows)

    def needed(self, resource: Resource) -> int:
        """Return the version that a read needs: from that on, it has every change of a resource."""
        if resource.query is not None:
            return self.stale.queries
        if resource.row_id is None:
            return self.version
        return max(self.stale.rows, self.rows.get(resource.row_id, 0))

    def raised(self) -> Changes:
        """Return the value after something may have changed without a notification."""
        return replace(self, version=self.version + 1)

    def with_change(self, row_ids: Iterable[str] | None) -> Changes:
        """Return the value after one more change of the scope and these rows (None: all rows)."""
        version = self.version + 1
        rows = {**self.rows, **dict.fromkeys(row_ids or (), version)}
        listed = version if self.has_list or self.listed else 0
        changed = replace(self, version=version, listed=listed, rows=rows)
        changed = changed.with_all_queries(version)
        is_too_much = row_ids is None or len(rows) > MAX_ROWS
        if is_too_much or self.stale.rows > max(self.published.rows, self.since):
            return changed.with_all_rows(version)
        return changed

    def with_all_rows(self, version: int) -> Changes:
        """Return the value after rows' entries that were read below the version became outdated.

        The versions of rows and of queries are published together. If this object's storage was
        lost once, the object does not know the published version of queries. But that was below
        ``since``.
        """
        rows = {row_id: needed for row_id, needed in self.rows.items() if needed > version}
        queries = max(self.stale.queries, self.since)
        stale = Versions(max(self.stale.rows, version), queries)
        return replace(self, stale=stale, rows=rows)

    def with_all_queries(self, version: int) -> Changes:
        """Return the value after queries' entries read below the version became outdated."""
        if not self.has_queries:
            return self
        needed = max(self.stale.queries, version)
        stale = Versions(max(self.stale.rows, self.since), needed)
        return replace(self, stale=stale, queried=needed)

    def with_seen(self, resource: Resource, seen: int) -> Changes:
        """Return the value after a reader saw this version in KV.

        If it is higher than the object's own, an earlier object's storage is lost.
        """
        if seen <= resource.needed_of(self.published):
            return self
        rows, queries = (0, seen) if resource.query is not None else (seen, 0)
        return replace(
            self,
            version=max(self.version, seen),
            stale=Versions(max(self.stale.rows, rows), max(self.stale.queries, queries)),
            published=Versions(
                max(self.published.rows, rows), max(self.published.queries, queries)
            ),
        )

    def with_published(self, versions: Versions) -> Changes:
        """Return the value after KV took these versions."""
        rows = max(self.published.rows, versions.rows)
        return replace(
            self, published=Versions(rows, max(self.published.queries, versions.queries))
        )

    def with_list(self, version: int) -> Changes:
        """Return the value after the table's entry was written, read at this version."""
        return replace(self, listed=0) if self.listed <= version else self

    def with_row(self, row_id: str, version: int) -> Changes:
        """Return the value after a row's entry was written or removed, read at this version."""
        if self.rows.get(row_id, version + 1) > version:
            return self
        return replace(self, rows={key: at for key, at in self.rows.items() if key != row_id})

    def with_queries(self, version: int) -> Changes:
        """Return the value after the queries kept warm were read at this version."""
        return replace(self, queried=0) if self.queried <= version else self

    def with_entry(self, resource: Resource) -> Changes:
        """Return the value before a read whose answer goes to KV."""
        if resource.query is not None:
            return replace(self, has_queries=True)
        return replace(self, has_list=self.has_list or resource.is_whole)

    def without_list(self) -> Changes:
        """Return the value before the table's entry is removed. Until then that is pending."""
        return replace(self, has_list=False)

    def to_json(self) -> str:
        """Return the text to store."""
        return json.dumps(
            [
                self.version,
                self.stale.rows,
                self.published.rows,
                self.listed,
                self.rows,
                self.stale.queries,
                self.published.queries,
                self.queried,
                self.has_list,
                self.has_queries,
                self.since,
            ]
        )

    @classmethod
    def of(cls, told: Stored) -> Changes:
        """Return the value that was stored. Raises TypeError if a member is missing or wrong."""
        return cls(
            told.get(0, int),
            Versions(told.get(1, int), told.get(5, int)),
            Versions(told.get(2, int), told.get(6, int)),
            listed=told.get(3, int),
            rows=Stored(told.get(4, dict)).each(int),
            queried=told.get(7, int),
            has_list=told.get(8, bool),
            has_queries=told.get(9, bool),
            since=told.get(10, int),
        )


class Journal:
    """Holds the scope's `Changes`. What is noted is safe before anything leaves the object.

    A new object begins with the time in milliseconds as its version. If an earlier object's storage
    is lost, that is above every version that it can have reached by counting changes. No other time
    is compared with it. A new object cannot know whether KV has the table's entry, so it assumes
    that. The project has no such entry (``has_list``).

    If this release cannot read the stored changes, some may be pending. So the object begins as a
    new one, and everything that was read before is outdated.
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
        self._store()  # entries get this version, so a later life may not begin below it

    def note(self, changes: Changes) -> None:
        """Replace the scope's changes."""
        if changes != self.changes:
            self.changes = changes
            self._store()

    def raise_version(self) -> int:
        """Return a new version. A read that begins from now on has all changes until now."""
        self.note(self.changes.raised())
        return self.changes.version

    def _store(self) -> None:
        self._storage.put(_KEY, self.changes.to_json())
