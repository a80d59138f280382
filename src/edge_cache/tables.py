"""What the Worker serves, as ``TABLES`` in wrangler.toml declares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge_cache.declaration import PUBLIC, Declaration, can_be_queried, declarations_in

__all__ = ["DEFAULT", "PROJECT", "PUBLIC", "Declared", "Scope", "Table", "declared_in"]


@dataclass(frozen=True, slots=True)
class Scope:
    """A table, or the project. Each has a version of its own, and an object that keeps it."""

    name: str

    @property
    def version_key(self) -> str:
        """The KV key of the versions that entries need.

        It is never a row's key, because a row's key has ``?`` only percent-encoded.
        """
        return f"/{self.name}?version"


PROJECT = Scope("")
"""All tables together, declared or not. If one of them changes, the project changes."""


@dataclass(frozen=True, slots=True)
class Table(Scope):
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


@dataclass(frozen=True, slots=True)
class Declared:
    """What the cache may answer, and whose changes it needs to know.

    ``others`` are views and functions: the path below ``/rest/v1/`` and the schema of each.
    ``watched`` are tables without a path of their own: Postgres's name and the schema of each.
    ``reads`` has the relations, each as its schema and name, that a function of ``others`` says it
    reads.
    """

    tables: tuple[Table, ...] = (Table("articles"),)
    others: frozenset[tuple[str, str]] = frozenset()
    watched: tuple[tuple[str, str], ...] = ()
    reads: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = field(
        default_factory=dict, hash=False
    )

    @property
    def targets(self) -> list[str]:
        """The paths below ``/rest/v1/`` of everything that can be read as a query only.

        Views and functions come first, because the public key may not be able to read a table that
        is only watched.
        """
        others = {target for target, _ in self.others}
        watched = {name for name, schema in self.watched if can_be_queried(name, schema)}
        in_order = sorted(others, key=lambda target: (target.startswith("rpc/"), target))
        return [*in_order, *sorted(watched - others)]

    @property
    def schemas(self) -> list[str]:
        """The schemas of everything that is declared."""
        tables = {table.schema for table in self.tables}
        return sorted(tables.union(schema for _, schema in (*self.others, *self.watched)))

    def scope_of(self, target: str, schema: str) -> Scope | None:
        """Return the scope of a relation or function below ``/rest/v1/``, or None if not declared.

        A view or a function belongs to the project, because nobody knows which tables it reads. So
        does a table that is only watched.
        """
        if can_be_queried(target, schema):
            for table in self.tables:
                if (table.relation, table.schema) == (target, schema):
                    return table
            if (target, schema) in self.watched:
                return PROJECT
        return PROJECT if (target, schema) in self.others else None


DEFAULT = Declared()
"""What is served if nothing is declared."""


def declared_in(declared: str | None) -> Declared:
    """Return what a JSON object declares, such as ``{"products": {"key": "sku"}}``.

    None declares the default. Raises ConfigurationError with every fault.
    """
    if declared is None:
        return DEFAULT
    found = declarations_in(declared)
    return Declared(
        tuple(_table(one) for one in found if one.kind is None),
        frozenset(_target(one) for one in found if one.kind in {"view", "function"}),
        tuple(_target(one) for one in found if one.kind == "watch"),
        {_target(one): one.reads for one in found if one.reads is not None},
    )


def _table(one: Declaration) -> Table:
    own_name = None if one.relation == one.name else one.relation
    return Table(one.name, one.key, one.schema, own_name)


def _target(one: Declaration) -> tuple[str, str]:
    return f"rpc/{one.relation}" if one.kind == "function" else one.relation, one.schema
