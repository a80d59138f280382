"""Schemas made at random, with everything in them that an answer can depend on unseen.

There are foreign keys of one column and of two, junctions with and without a payload, references to
the own table, views on views, policies that read other tables, functions, computed columns, and
computed relationships. Every name has the schema's name in it, because Supabase Lite looks for a
view's foreign keys by bare names.
"""

from __future__ import annotations

from random import Random

from random_schema import ROWS, Reference, Relation, Schema, inserted, key_of, listed

ENTITIES = 6
JUNCTIONS = 3
FUNCTIONS = 6
COMPUTED = 6
VIEWS = 6

TYPES = ("int2", "int4", "int8", "text", "varchar", "uuid", "date")


def schema_at_random(name: str, random: Random) -> Schema:
    """Return a schema."""
    schema = Schema(name)
    _Maker(schema, random).make()
    return schema


class _Maker:
    def __init__(self, schema: Schema, random: Random) -> None:
        self.schema = schema
        self.random = random

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def make(self) -> None:
        schema = self.schema
        for one in (schema.name, schema.private):
            self.run(f"create schema {one}")
        self.run(f"create table {schema.private}.acl (id int8 primary key, n int4)")
        schema.rows.append(
            f"insert into {schema.private}.acl select i, i from generate_series(1, 3) i"
        )
        for number in range(ENTITIES):
            self.entity(f"{schema.name}{self.random.choice(['', '-', '_'])}{'abcdef'[number]}")
        for number in range(JUNCTIONS):
            self.junction(f"{schema.name}_j{number}")
        for number in range(FUNCTIONS):
            self.function(f"{schema.name}_f{number}")
        for number in range(COMPUTED):
            self.computed(f"{schema.name}_c{number}")
        for relation in schema.tables:
            self.policies(relation)
        for number in range(VIEWS):
            self.view(f"{schema.name}_v{number}")
        for one in (schema.name, schema.private):
            everybody = "to anon, authenticated, service_role"
            self.run(f"grant usage on schema {one} {everybody}")
            self.run(f"grant all on all tables in schema {one} {everybody}")
            self.run(f"grant execute on all functions in schema {one} {everybody}")

    def run(self, statement: str) -> None:
        self.schema.statements.append(statement)

    def declare(self, name: str, **options: object) -> None:
        path = "".join(c if c.isalnum() or c in "_-" else "_" for c in name)
        self.schema.declared[path] = {"name": name, "schema": self.schema.name, **options}

    def entity(self, name: str) -> None:
        schema, random = self.schema, self.random
        type_ = random.choice(TYPES)
        columns = [f"id {type_} primary key", "label text", "n int4", "code int4 not null"]
        names = ["id", "label", "n", "code"]
        for number in range(random.choice([0, 1, 1, 2, 3])):
            targets = [*schema.entities, Relation(name, type_, (), frozenset())]
            column, definition = self.reference(name, random.choice(targets), number)
            names.append(column)
            columns.append(definition)
        self.run(f"create table {schema.of(name)} ({', '.join([*columns, 'unique (id, code)'])})")
        schema.entities.append(Relation(name, type_, tuple(names), frozenset({name})))
        for number in range(1, ROWS + 1):
            schema.rows.append(self.row(schema.entities[-1], number))
        self.declare(name, **({"key": "id"} if self.chance(0.9) else {"watch": True}))
        if self.chance(0.2):
            self.child(schema.entities[-1])

    def child(self, parent: Relation) -> None:
        """Make a table that inherits from another, which then shows the rows of both."""
        schema, name = self.schema, f"{parent.name}_child"
        self.run(f"create table {schema.of(name)} () inherits ({schema.of(parent)})")
        columns = ("id", "label", "n", "code")
        schema.children.append(Relation(name, parent.key_type, columns, frozenset()))
        values = {"id": key_of(parent.key_type, ROWS + 1), "label": "c", "n": "2", "code": "1"}
        schema.rows.append(inserted(schema.of(name), values))
        self.declare(name, watch=True)

    def reference(self, source: str, target: Relation, number: int) -> tuple[str, str]:
        """Note a foreign key, and return its first column and the text that defines it."""
        others = [one.name for one in self.schema.entities]
        column = self.random.choice(
            [f"ref{number}", f"{target.name}_id", target.name, *others[-1:]]
        )
        if any(column in one.columns for one in self.schema.references if one.source == source):
            column = f"ref{number}"
        name = f"{source}_{number}_fk"
        columns: tuple[str, ...] = (column,)
        target_columns: tuple[str, ...] = ("id",)
        if is_double := self.chance(0.25):
            columns, target_columns = (column, f"code{number}"), ("id", "code")
        extra = f", code{number} int4" if is_double else ""
        self.schema.references.append(
            Reference(name, source, columns, target.name, target_columns, target.key_type)
        )
        action = self.random.choice(["", " on delete cascade", " on delete set null"])
        return column, (
            f'"{column}" {target.key_type}{extra}, constraint "{name}" foreign key '
            f"({listed(columns)}) references {self.schema.of(target)} ({listed(target_columns)})"
            + action
        )

    def row(self, table: Relation, number: int) -> str:
        """Return the statement that inserts a row."""
        values = {"id": key_of(table.key_type, number), "label": f"l{number}", "n": str(number)}
        values["code"] = "1"
        for one in self.schema.references:
            if one.source == table.name:
                limit = number - 1 if one.target == table.name else ROWS
                if limit and self.chance(0.9):
                    picked = key_of(one.type, self.random.randint(1, limit))
                    values |= dict(zip(one.columns, (picked, "1"), strict=False))
        return inserted(self.schema.of(table), values)

    def junction(self, name: str) -> None:
        """Make a table that joins two others, with a key of its own or without one."""
        schema, random = self.schema, self.random
        ends = [random.choice(schema.entities) for _ in range(2)]
        has_key = self.chance(0.4)
        columns = ["id int8 primary key"] if has_key else []
        for side, end in zip(("x", "y"), ends, strict=True):
            columns.append(
                f'{side} {end.key_type} constraint "{name}_{side}" references {schema.of(end)}'
                f" {random.choice(['', 'on delete cascade'])}"
            )
            schema.references.append(
                Reference(f"{name}_{side}", name, (side,), end.name, ("id",), end.key_type)
            )
        names = (*(("id",) if has_key else ()), "x", "y", "n")
        more = ["n int4"] if has_key else ["n int4", "primary key (x, y)"]
        self.run(f"create table {schema.of(name)} ({', '.join([*columns, *more])})")
        schema.junctions.append(Relation(name, "int8", names, frozenset({name})))
        pairs = {(random.randint(1, ROWS), random.randint(1, ROWS)) for _ in range(5)}
        for number, (x, y) in enumerate(sorted(pairs), 1):
            values = {"x": key_of(ends[0].key_type, x), "y": key_of(ends[1].key_type, y), "n": "1"}
            own = {"id": str(number)} if has_key else {}
            schema.rows.append(inserted(schema.of(name), {**own, **values}))
        self.declare(name, **({"key": "id"} if has_key else {"watch": True}))

    def function(self, name: str) -> None:
        """Make a function whose body the database knows, or which declares what it reads."""
        schema, random = self.schema, self.random
        table, other = random.choice(schema.entities), random.choice(schema.entities)
        rows = (
            f"select * from {schema.of(table)} where n <= (select max(n) from {schema.of(other)})"
        )
        count = f"select count(*) from {schema.of(table)} t join {schema.of(other)} o on o.n = t.n"
        kind = random.choice(["rows", "rows", "count", "declared", "unknown"])
        returns = f"setof {schema.of(table)}" if kind != "count" else "int8"
        body = count if kind == "count" else rows
        safety = random.choice(["", " security definer"])
        is_known = kind in {"rows", "count"}
        text = f"begin atomic {body}; end" if is_known else f"as $f$ {body} $f$"
        self.run(
            f"create function {schema.of(name)}() returns {returns} language sql stable{safety}"
            f" {text}"
        )
        schema.functions[name] = None if kind == "count" else table.name
        reads = {"reads": [table.name, other.name]} if kind == "declared" else {}
        self.declare(name, function=True, **reads)

    def computed(self, name: str) -> None:
        """Make a computed column or a computed relationship."""
        schema, random = self.schema, self.random
        table, other = random.choice(schema.entities), random.choice(schema.tables)
        kind = random.choice(["column", "column", "rows", "unknown"])
        wanted = f"from {schema.of(other)} o where o.n >= $1.n"
        returns = f"setof {schema.of(other)}" if kind == "rows" else "int8"
        body = f"select {'o.*' if kind == 'rows' else 'count(*)'} {wanted}"
        text = f"as $f$ {body} $f$" if kind == "unknown" else f"begin atomic {body}; end"
        self.run(
            f"create function {schema.of(name)}({schema.of(table)}) returns {returns}"
            f" language sql stable {text}"
        )
        leads_to = other.name if kind == "rows" else None
        schema.computed.setdefault(table.name, {})[name] = leads_to

    def policies(self, table: Relation) -> None:
        """Hide rows by what other tables have, if at all."""
        schema, random = self.schema, self.random
        if self.chance(0.4):
            return
        earlier = (
            schema.entities[: schema.entities.index(table)] if table in schema.entities else []
        )
        conditions = ["true", "n < 90", f"n <= (select count(*) from {schema.private}.acl) + 1"]
        conditions += [
            f"exists (select 1 from {schema.of(one)} o where o.n >= {schema.of(table)}.n)"
            for one in earlier
        ]
        if self.chance(0.3):
            looks = f'{schema.private}."{table.name}_looks"'
            self.run(
                f"create function {looks}() returns int8 language sql stable security definer"
                f" begin atomic select count(*) from {schema.of(table)}; end"
            )
            conditions = [f"n <= {looks}() + 1"]
        self.run(f"alter table {schema.of(table)} enable row level security")
        role = random.choice(["public", "anon", "anon, authenticated"])
        self.run(
            f"create policy one on {schema.of(table)} for select to {role}"
            f" using ({random.choice(conditions)})"
        )
        if self.chance(0.3):
            self.run(
                f"create policy two on {schema.of(table)} as restrictive for select to {role}"
                f" using ({random.choice(conditions)})"
            )

    def view(self, name: str) -> None:
        """Make a view, often of another view, with columns left out or renamed."""
        schema, random = self.schema, self.random
        plain = [one for one in schema.relations if "label" in one.columns]
        below, other = random.choice(plain), random.choice(schema.entities)
        shown = {one: one for one in below.columns if one == "id" or self.chance(0.8)}
        if self.chance(0.3) and (last := list(shown)[-1]) != "id":
            shown[last] = f"{name}_{last}"
        columns = ", ".join(f'b."{one}" as "{as_}"' for one, as_ in shown.items())
        source, joined = f"from {schema.of(below)} b", f"{schema.of(other)} o"
        texts = {
            "all": f"select {columns} {source}",
            "some": f"select {columns} {source} where exists"
            f" (select 1 from {joined} where o.n = b.code)",
            "joined": f"select {columns}, o.label as other_label {source}"
            f" left join {joined} on o.n = b.code",
            "distinct": f"select distinct {columns} {source}",
        }
        kind = random.choice(["all", *texts] if "code" in below.columns else ["all"])
        options = random.choice(["", " with (security_invoker = true)"])
        self.run(f"create view {schema.of(name)}{options} as {texts[kind]}")
        names = tuple(shown.values())
        bases = below.bases | ({other.name} if kind == "joined" else frozenset())
        schema.views.append(Relation(name, below.key_type, names, bases, is_view=True))
        self.declare(name, view=True)
