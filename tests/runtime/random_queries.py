"""Queries made at random, of the schemas of `random_schemas`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

from random_schema import ROWS, Reference, Relation, Schema, key_of

from edge_cache.queries import Query
from edge_cache.reasons import PassedOn
from edge_cache.worker.canonical import Variant, query_in

MAX_DEPTH = 3


@dataclass(frozen=True)
class Step:
    """A way from a relation to another one: the name to embed, and the hints that make it sure."""

    name: str
    hints: tuple[str, ...]
    end: Relation | None


class Queries:
    """Makes queries of a schema."""

    def __init__(self, schema: Schema, random: Random) -> None:
        self.schema = schema
        self.random = random
        self.by_name = {one.name: one for one in schema.relations}

    def chance(self, share: float) -> bool:
        """Return true in a share of all cases."""
        return self.random.random() < share

    def query(self) -> Query:
        """Return a query of a table, a view or a function."""
        while True:
            target, parameters = self.function() if self.chance(0.15) else self.relation()
            variant = Variant(
                "application/vnd.pgrst.object+json" if self.chance(0.05) else None,
                self.schema.name,
                "count=exact" if self.chance(0.1) else None,
            )
            raw = "&".join(f"{quote(name)}={quote(value)}" for name, value in parameters)
            query = query_in("GET", target, raw, variant)
            if not isinstance(query, PassedOn):
                return query

    def function(self) -> tuple[str, list[tuple[str, str]]]:
        """Return a call of a function, and what is selected of its rows."""
        name, returns = self.random.choice(list(self.schema.functions.items()))
        parameters = self.parameters(self.by_name[returns]) if returns else []
        # Supabase Lite takes these for arguments.
        filters = {"or", "not.and"}
        return f"rpc/{name}", [one for one in parameters if one[0] not in filters]

    def relation(self) -> tuple[str, list[tuple[str, str]]]:
        """Return a query of a table or a view."""
        relation = self.random.choice(self.schema.relations)
        parameters = [] if self.chance(0.15) else self.parameters(relation)
        if "id" in relation.columns and self.chance(0.35):
            keys = [
                key_of(relation.key_type, self.random.randint(1, ROWS + 1))
                for _ in range(self.random.randint(1, 3))
            ]
            condition = f"eq.{keys[0]}" if self.chance(0.6) else f"in.({','.join(keys)})"
            parameters.append(("id", condition))
        return relation.name, parameters

    def parameters(self, relation: Relation) -> list[tuple[str, str]]:
        """Return parameters that select, filter and order rows."""
        random = self.random
        members: list[str] = []
        more: list[tuple[str, str]] = []
        for _ in range(random.choice([0, 1, 1, 1, 2])):
            text, shown, end = self.embedded(relation, 1)
            members.append(text)
            if end and self.chance(0.2):
                conditions = ["label.neq.l1", "n.gt.1", "id.not.is.null"]
                column, _, condition = random.choice(conditions).partition(".")
                more.append((f"{shown}.{column}", condition))
            if self.chance(0.1):
                more.append((shown, random.choice(["not.is.null", "is.null"])))
            if self.chance(0.05) and "-" not in shown:
                more.append(("order", f"{shown}(label).desc"))
            if self.chance(0.05):
                more.append(("or", f"({shown}.not.is.null,n.gt.2)"))
        computed = self.schema.columns_computed(relation)
        if computed and self.chance(0.3):
            name = random.choice(computed)
            if self.chance(0.7):
                members.append(name)
            else:
                more.append((name, "gt.1"))
        columns = [f'"{one}"' for one in relation.columns] or ["*"]
        plain = [["*"], ["*"], random.sample(columns, 1)]
        members += random.choice(plain if members else [*plain, ["count()"]])
        if "n" in relation.columns and self.chance(0.15):
            filters = [("n", "gt.1"), ("or", "(n.eq.1,n.eq.3)"), ("not.and", "(n.eq.1)")]
            more.append(random.choice(filters))
        if self.chance(0.1):
            more.append(("limit", "2"))
        return [("select", ",".join(members)), *more]

    def embedded(self, origin: Relation, depth: int) -> tuple[str, str, Relation | None]:
        """Return a member of ``select``, what other parameters call it, and where it leads."""
        kinds = [list(steps) for steps in (self.direct(origin), self.joined(origin))]
        kinds = [steps for steps in kinds if steps]
        anything = Step(self.random.choice(self.schema.relations).name, (), None)
        is_known = bool(kinds) and self.chance(0.95)
        step = self.random.choice(self.random.choice(kinds)) if is_known else anything
        column = f'"{step.end.columns[0]}"' if step.end else "*"
        inner = [self.random.choice(["*", column])]
        if step.end and depth < MAX_DEPTH and self.chance(0.4):
            inner.append(self.embedded(step.end, depth + 1)[0])
        if step.end and self.chance(0.2):
            inner += self.schema.columns_computed(step.end)[:1]
        hint = f"!{self.random.choice(step.hints)}" if step.hints and self.chance(0.6) else ""
        join = self.random.choice(["", "", "", "!inner", "!left"])
        prefix, shown = self.random.choice(
            [("", step.name)] * 4 + [("...", step.name), ("z:", "z")]
        )
        return f"{prefix}{step.name}{hint}{join}({','.join(inner)})", shown, step.end

    def ways(self, origin: Relation) -> Iterator[tuple[Reference, str, tuple[str, ...]]]:
        """Return each foreign key of a relation, its other end, and the columns at this end."""
        for one in self.schema.references:
            if one.source in origin.bases:
                yield one, one.target, one.columns
            if one.target in origin.bases:
                yield one, one.source, one.target_columns

    def direct(self, origin: Relation) -> Iterator[Step]:
        """Return the steps to what a foreign key or a function leads to."""
        for name, returns in self.schema.computed.get(origin.name, {}).items():
            if returns:
                yield Step(name, (), self.by_name[returns])
        for reference, end, columns in self.ways(origin):
            is_single = len(columns) == 1
            hints = (reference.name, *((reference.columns[0], "id") if is_single else ()))
            for relation in self.showing(end):
                yield Step(relation.name, hints, relation)
            yield Step(reference.name, (), self.by_name[end])
            if is_single:
                yield Step(columns[0], (), self.by_name[end])

    def joined(self, origin: Relation) -> Iterator[Step]:
        """Return the steps to what a junction joins."""
        for reference, junction, _ in self.ways(origin):
            for other in self.schema.references:
                if junction == reference.source == other.source and other is not reference:
                    for relation in self.showing(other.target):
                        yield Step(relation.name, (junction,), relation)

    def showing(self, table: str) -> list[Relation]:
        """Return a table, and a view of it if there is one."""
        views = [one for one in self.schema.views if table in one.bases]
        return [self.by_name[table], *self.random.sample(views, min(1, len(views)))]
