"""A table's versions, and which changes readers do not see yet, as one small value. Pure.

Every change raises the table's version, a whole number. A read carries the version that was current
before it began, so it has every change up to that one. Which of two states is the newer is told by
these numbers alone: clocks differ, and jump.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from edge_cache.resources import Resource

MAX_ROWS = 20
"""More changed rows than this are not named one by one: all the table's rows count as changed."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The versions of a table and of its pending changes.

    ``version`` is the latest change's. Entries of rows that were read below ``rows_version`` are
    stale; readers know that once KV has it, which was so for ``published``. ``listed`` is the
    latest change that the table's entry lacks (0: none), ``rows`` the latest of each row whose
    entry lacks one.
    """

    version: int = 0
    rows_version: int = 0
    published: int = 0
    listed: int = 0
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def is_published(self) -> bool:
        """Whether readers know which rows' entries are stale."""
        return self.published >= self.rows_version

    @property
    def pending(self) -> int:
        """How many entries are to be brought up to date; all rows together count as one."""
        return bool(self.listed) + (not self.is_published) + len(self.rows)

    def needed(self, resource: Resource) -> int:
        """Return the version at which a read must have begun to have every change of a resource."""
        if resource.row_id is None:
            return self.version
        return max(self.rows_version, self.rows.get(resource.row_id, 0))

    def raised(self) -> Changes:
        """Return the value after something may have changed that nobody told of."""
        return replace(self, version=self.version + 1)

    def with_change(self, row_ids: Iterable[str]) -> Changes:
        """Return the value after one more change, which touches the table and these rows."""
        version = self.version + 1
        rows = {**self.rows, **dict.fromkeys(row_ids, version)}
        changed = replace(self, version=version, listed=version, rows=rows)
        if len(rows) > MAX_ROWS or not self.is_published:
            return changed.with_all_rows(version)
        return changed

    def with_all_rows(self, version: int) -> Changes:
        """Return the value after entries of rows that were read below the version became stale."""
        rows = {row_id: needed for row_id, needed in self.rows.items() if needed > version}
        return replace(self, rows_version=max(self.rows_version, version), rows=rows)

    def with_seen(self, published: int) -> Changes:
        """Return the value after a reader saw this version in KV.

        It is higher than one's own if an earlier life's storage is lost.
        """
        if published <= self.published:
            return self
        return replace(
            self,
            version=max(self.version, published),
            rows_version=max(self.rows_version, published),
            published=published,
        )

    def with_published(self, version: int) -> Changes:
        """Return the value after KV took the rows' version."""
        return replace(self, published=max(self.published, version))

    def with_list(self, version: int) -> Changes:
        """Return the value after the table's entry was written, as read at a version."""
        return replace(self, listed=0) if self.listed <= version else self

    def with_row(self, row_id: str, version: int) -> Changes:
        """Return the value after a row's entry was written or removed, as read at a version."""
        if self.rows.get(row_id, version + 1) > version:
            return self
        return replace(self, rows={key: at for key, at in self.rows.items() if key != row_id})

    def to_json(self) -> str:
        """Return the text to store."""
        return json.dumps([self.version, self.rows_version, self.published, self.listed, self.rows])

    @classmethod
    def from_json(cls, text: str) -> Changes:
        """Return the stored value."""
        return cls(*json.loads(text))
