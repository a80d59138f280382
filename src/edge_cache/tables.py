"""What the Worker serves, as ``TABLES`` in wrangler.toml declares it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from edge_cache.declaration import PUBLIC, Declaration, can_be_queried, declarations_in

__all__ = ["DEFAULT", "PROJECT", "PUBLIC", "Declared", "Scope", "Table", "declared_in"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What has a version of its own, and an object that keeps it: a table, or the project."""

    name: str

    @property
    def version_key(self) -> str:
        """The KV key of the versions below which entries are stale.

        ``?`` never occurs in a row's key, where it is percent-encoded.
        """
        return f"/{self.name}?version"


PROJECT = Scope("")
"""All tables together, declared or not: a change of any of them is a change of the project."""


@dataclass(frozen=True, slots=True)
class Table(Scope):
    """A table that is served under ``/{name}``, its rows under ``/{name}/{key column's value}``.

    ``key`` must be unique: it orders the pages and names the rows. ``own_name`` is what Postgres
    calls the table, unless that is ``name``.
    """

    key: str = "id"
    schema: str = PUBLIC
    own_name: str | None = None

    @property
    def relation(self) -> str:
        """What Postgres calls the table, within its schema."""
        return self.own_name or self.name


@dataclass(frozen=True, slots=True)
class Declared:
    """What may be read from the cache, and whose changes are to be told of.

    ``others`` are views and functions: the path below ``/rest/v1/`` and the schema of each.
    ``watched`` are tables without a path of their own: what Postgres calls each, and its schema.
    """

    tables: tuple[Table, ...] = (Table("articles"),)
    others: frozenset[tuple[str, str]] = frozenset()
    watched: tuple[tuple[str, str], ...] = ()

    @property
    def targets(self) -> list[str]:
        """What is read as a query only, each as its path below ``/rest/v1/``.

        Views and functions come first, because the public key may be unable to read what is only
        watched.
        """
        others = {target for target, _ in self.others}
        watched = {name for name, schema in self.watched if can_be_queried(name, schema)}
        in_order = sorted(others, key=lambda target: (target.startswith("rpc/"), target))
        return [*in_order, *sorted(watched - others)]

    @property
    def schemas(self) -> list[str]:
        """The schemas of all that is declared."""
        tables = {table.schema for table in self.tables}
        return sorted(tables.union(schema for _, schema in (*self.others, *self.watched)))

    def scope_of(self, target: str, schema: str) -> Scope | None:
        """Return what a relation or function below ``/rest/v1/`` belongs to, if it is declared.

        Which tables a view or a function reads, nobody can tell: it belongs to the project, and so
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
"""What is served where nothing is declared."""


def declared_in(declared: str | None) -> Declared:
    """Return what a JSON object declares: ``{"products": {"key": "sku"}}``.

    None declares the default. Raises ConfigurationError with every fault.
    """
    if declared is None:
        return DEFAULT
    found = declarations_in(declared)
    return Declared(
        tuple(_table(one) for one in found if one.kind is None),
        frozenset(_target(one) for one in found if one.kind in {"view", "function"}),
        tuple(_target(one) for one in found if one.kind == "watch"),
    )


def _table(one: Declaration) -> Table:
    own_name = None if one.relation == one.name else one.relation
    return Table(one.name, one.key, one.schema, own_name)


def _target(one: Declaration) -> tuple[str, str]:
    return f"rpc/{one.relation}" if one.kind == "function" else one.relation, one.schema
