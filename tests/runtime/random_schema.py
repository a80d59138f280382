"""What a schema of `random_schemas` has, as far as queries and edits need to know it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

ROWS = 4
"""So many rows a table has at first. Their keys are made of the numbers from 1 on."""

JsonObject = dict[str, object]


def key_of(type_: str, number: int) -> str:
    """Return the key with a number, as Postgres spells it in JSON."""
    if type_ == "uuid":
        return f"00000000-0000-4000-8000-{number:012d}"
    if type_ == "date":
        return f"2024-01-{number:02d}"
    return f"k{number}" if type_ in {"text", "varchar"} else str(number)


@dataclass(frozen=True)
class Reference:
    """A foreign key. ``type`` is that of its first column."""

    name: str
    source: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    type: str


@dataclass(frozen=True)
class Relation:
    """A table or a view: its columns by name, and the tables whose foreign keys it may have."""

    name: str
    key_type: str
    columns: tuple[str, ...]
    bases: frozenset[str]
    is_view: bool = False


@dataclass
class Schema:
    """What a schema has, and the statements that make it."""

    name: str
    statements: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    entities: list[Relation] = field(default_factory=list)
    junctions: list[Relation] = field(default_factory=list)
    children: list[Relation] = field(default_factory=list)
    views: list[Relation] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    functions: dict[str, str | None] = field(default_factory=dict)
    computed: dict[str, dict[str, str | None]] = field(default_factory=dict)
    declared: dict[str, JsonObject] = field(default_factory=dict)

    @property
    def tables(self) -> list[Relation]:
        """All tables."""
        return [*self.entities, *self.junctions, *self.children]

    @property
    def relations(self) -> list[Relation]:
        """All tables and views."""
        return [*self.tables, *self.views]

    @property
    def private(self) -> str:
        """The schema that no request can name."""
        return f"{self.name}_private"

    def of(self, relation: Relation | str) -> str:
        """Return a relation's name in SQL."""
        name = relation if isinstance(relation, str) else relation.name
        return f'{self.name}."{name}"'

    def columns_computed(self, relation: Relation) -> list[str]:
        """Return the names of a relation's computed columns."""
        computed = self.computed.get(relation.name, {})
        return [name for name, returns in computed.items() if returns is None]


def inserted(table: str, values: dict[str, str]) -> str:
    """Return the statement that inserts a row."""
    quoted = ", ".join(f"'{value}'" for value in values.values())
    return f"insert into {table} ({listed(values)}) values ({quoted})"


def listed(names: Iterable[str]) -> str:
    """Return names as SQL has them in a list."""
    return ", ".join(f'"{name}"' for name in names)
