"""What the Worker serves, as ``src/tables.toml`` declares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from edge_cache.declaration import (
    FILE,
    PUBLIC,
    VARIABLE,
    Declaration,
    can_be_queried,
    declarations_in,
    options_in_json,
    options_in_toml,
)
from edge_cache.dependencies import relation_id

__all__ = [
    "DEFAULT",
    "FILE",
    "PUBLIC",
    "VARIABLE",
    "Declared",
    "Queried",
    "Table",
    "Target",
    "declared_by",
    "declared_from",
    "declared_in",
]


@dataclass(frozen=True, slots=True)
class _Named:
    """The name of a `Target`."""

    name: str

    @property
    def versions_key(self) -> str:
        """The KV key of the target's versions (see `edge_cache.versions`).

        It is never a row's key, because a row's key has ``?`` only percent-encoded.
        """
        return f"/{self.name}?versions"


@dataclass(frozen=True, slots=True)
class Table(_Named):
    """A table, served at ``/{name}``. Its rows are served at ``/{name}/{key column's value}``.

    ``key`` must be unique, because it orders the pages and names the rows. ``own_name`` is
    Postgres's name for the table, if that is not ``name``.
    """

    key: str = "id"
    schema: str = PUBLIC
    own_name: str | None = None

    @property
    def relation(self) -> str:
        """Postgres's name for the table, within its schema."""
        return self.own_name or self.name

    @property
    def path(self) -> str:
        """The path below ``/rest/v1/``."""
        return self.relation

    @property
    def is_table(self) -> bool:
        """Always true, as `Queried` can be something else."""
        return True

    @property
    def relation_id(self) -> str:
        """The name that its changes have."""
        return relation_id(self.schema, self.relation)


@dataclass(frozen=True, slots=True)
class Queried(_Named):
    """What has no path but the one below ``/rest/v1/``: a view, a function, a watched table.

    ``path`` is the part of the path after ``/rest/v1/``.
    """

    path: str
    schema: str
    is_table: bool

    @classmethod
    def of(cls, path: str, schema: str, *, is_table: bool = False) -> Queried:
        """Return the target. Its name has a slash, so no table has the same name."""
        profile = "" if schema == PUBLIC else f";profile={schema}"
        return cls(f"rest/v1/{path}{profile}", path, schema, is_table)

    @property
    def relation_id(self) -> str:
        """The name that its changes have, if it is a relation."""
        return relation_id(self.schema, self.path)


Target = Table | Queried
"""What stands behind a path: a table, a view or a function.

One object reads and writes all of a target's entries. The object has the target's ``name``.
"""


@dataclass(frozen=True)
class Declared:
    """What the cache may answer, and whose changes it needs to know.

    ``others`` are views and functions: the path below ``/rest/v1/`` and the schema of each.
    ``watched`` are tables without a path of their own: Postgres's name and the schema of each.
    ``reads`` has the relations, each as its schema and name, that a function of ``others`` says it
    reads. ``signed_in`` says by the schema and the path what readers who are signed in get, if the
    database does not decide: ``public`` or ``pass``.
    """

    tables: tuple[Table, ...] = (Table("articles"),)
    others: frozenset[tuple[str, str]] = frozenset()
    watched: tuple[tuple[str, str], ...] = ()
    reads: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = field(
        default_factory=dict, hash=False
    )
    signed_in: Mapping[tuple[str, str], str] = field(default_factory=dict, hash=False)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Everything that can be read."""
        return *self.tables, *self.queried

    @property
    def queried(self) -> list[Queried]:
        """What can be read as a query only.

        Views and functions come first, because the public key may not be able to read a table that
        is only watched.
        """
        others = sorted(self.others, key=lambda other: (other[0].startswith("rpc/"), other))
        watched = sorted(
            (name, schema)
            for name, schema in self.watched
            if can_be_queried(name, schema) and (name, schema) not in self.others
        )
        return [
            *(Queried.of(path, schema) for path, schema in others),
            *(Queried.of(name, schema, is_table=True) for name, schema in watched),
        ]

    @property
    def schemas(self) -> list[str]:
        """The schemas of everything that is declared."""
        tables = {table.schema for table in self.tables}
        return sorted(tables.union(schema for _, schema in (*self.others, *self.watched)))

    def target_of(self, path: str, schema: str) -> Target | None:
        """Return what a path below ``/rest/v1/`` names in a schema, or None if not declared."""
        return self._at_paths.get((path, schema))

    @cached_property
    def _at_paths(self) -> Mapping[tuple[str, str], Target]:
        """What queries can name, by its path and schema. A table comes before a view."""
        tables = [one for one in self.tables if can_be_queried(one.path, one.schema)]
        found: tuple[Target, ...] = (*self.queried, *reversed(tables))
        return {(one.path, one.schema): one for one in found}


DEFAULT = Declared()
"""What is served if nothing is declared."""


def declared_in(text: str) -> Declared:
    """Return what ``src/tables.toml`` declares. Raises ConfigurationError with every fault."""
    return _declared(options_in_toml(text), FILE)


def declared_by(variable: str) -> Declared:
    """Return what the variable ``TABLES`` declares, such as ``{"products": {"key": "sku"}}``.

    Raises ConfigurationError with every fault.
    """
    return _declared(options_in_json(variable), VARIABLE)


def declared_from(variable: str | None, file: str | None) -> Declared:
    """Return what the variable declares, or else the file, or else the default.

    Raises ConfigurationError with every fault.
    """
    if variable is not None:
        return declared_by(variable)
    return DEFAULT if file is None else declared_in(file)


def _declared(options: Mapping[str, object], place: str) -> Declared:
    found = declarations_in(options, place)
    return Declared(
        tuple(_table(one) for one in found if one.kind is None),
        frozenset(_target(one) for one in found if one.kind in {"view", "function"}),
        tuple(_target(one) for one in found if one.kind == "watch"),
        {_target(one): one.reads for one in found if one.reads is not None},
        {_target(one)[::-1]: one.signed_in for one in found if one.signed_in is not None},
    )


def _table(one: Declaration) -> Table:
    own_name = None if one.relation == one.name else one.relation
    return Table(one.name, one.key, one.schema, own_name)


def _target(one: Declaration) -> tuple[str, str]:
    return f"rpc/{one.relation}" if one.kind == "function" else one.relation, one.schema
