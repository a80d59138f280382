"""Edits made at random, of the tables of `random_schemas`. Postgres may refuse them."""

from __future__ import annotations

from random import Random

from random_schema import ROWS, Relation, Schema, inserted, key_of

OF_POLICIES = 0.05
"""This share of the edits changes the table that only policies read."""


def edit_at_random(schema: Schema, random: Random) -> str:
    """Return a statement that changes rows, which Postgres may refuse."""
    if random.random() < OF_POLICIES:
        return _of_any(schema, f"{schema.private}.acl", random)
    table = random.choice(schema.tables)
    name = schema.of(table)
    if "id" not in table.columns:
        return _of_any(schema, name, random)
    key = key_of(table.key_type, random.randint(1, ROWS + 1))
    where = f"where id = '{key}'"
    if table in schema.junctions:
        kinds = [
            f"update {name} set n = {random.randint(0, 9)} {where}",
            f"delete from {name} {where}",
        ]
        return random.choice([*kinds, _joined(schema, table, random)])
    references = [one for one in schema.references if one.source == table.name]
    picked = [
        f'update {name} set "{one.columns[0]}" = '
        f"{random.choice(['null', repr(key_of(one.type, random.randint(1, ROWS)))])} {where}"
        for one in references
    ]
    return random.choice(
        [
            f"update {name} set label = 'l{random.randint(0, 99)}' {where}",
            f"update {name} set n = {random.randint(0, 9)} {where}",
            f"update {name} set code = {random.randint(0, 5)} {where}",
            f"update {name} set n = n + 1 where n < 3",
            f"delete from {name} {where}",
            inserted(
                name, {"id": key, "label": "new", "n": f"{random.randint(0, 9)}", "code": "1"}
            ),
            f"update {name} set id = '{key_of(table.key_type, random.randint(5, 9))}' {where}",
            *picked,
            *picked,
        ]
    )


def _of_any(schema: Schema, name: str, random: Random) -> str:
    """Return an edit of a table without a key."""
    if name.endswith(".acl"):
        return random.choice(
            [f"delete from {name}", f"insert into {name} select max(id) + 1 from {name}"]
        )
    table = next(one for one in schema.junctions if schema.of(one) == name)
    one = f"where ctid = (select ctid from {name} offset {random.randint(0, 3)} limit 1)"
    return random.choice(
        [
            f"update {name} set n = {random.randint(0, 9)} {one}",
            f"delete from {name} {one}",
            _joined(schema, table, random),
        ]
    )


def _joined(schema: Schema, junction: Relation, random: Random) -> str:
    """Return the statement that inserts a row into a junction."""
    values = {
        one.columns[0]: key_of(one.type, random.randint(1, ROWS))
        for one in schema.references
        if one.source == junction.name
    }
    if "id" in junction.columns:
        values["id"] = str(random.randint(1, ROWS + 5))
    return inserted(schema.of(junction), values)
