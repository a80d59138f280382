"""Changes that Supabase told of and that readers do not see yet, as one small value. Pure.

Changes are numbered, so that what comes in while others are carried out is not lost with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_ROWS = 20
"""More changed rows than this are not named one by one: all the table's rows count as changed."""


@dataclass(frozen=True, slots=True)
class Pending:
    """The numbers of the latest change of the table, of single rows, and of all rows (0: none)."""

    last: int = 0
    table: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    all_rows: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to do."""
        return self.table == 0

    @property
    def count(self) -> int:
        """How many entries are to be refreshed; all rows count as one, as does the table."""
        return bool(self.table) + bool(self.all_rows) + len(self.rows)

    def with_change(self, row_ids: Iterable[str]) -> Pending:
        """Return the value after one more change, which touches the table and these rows."""
        number = self.last + 1
        rows = {**self.rows, **dict.fromkeys(row_ids, number)}
        if self.all_rows or len(rows) > MAX_ROWS:
            return Pending(number, number, {}, number)
        return Pending(number, number, rows)

    def without(self, done: Pending) -> Pending:
        """Return what is left after ``done``, an earlier state of this value, was carried out."""
        return Pending(
            self.last,
            self.table if self.table > done.last else 0,
            {row_id: number for row_id, number in self.rows.items() if number > done.last},
            self.all_rows if self.all_rows > done.last else 0,
        )

    def to_json(self) -> str:
        """Return the text to store."""
        return json.dumps([self.last, self.table, self.rows, self.all_rows])

    @classmethod
    def from_json(cls, text: str | None) -> Pending:
        """Return the stored value; nothing stored is nothing pending."""
        return cls(*json.loads(text)) if text else cls()
