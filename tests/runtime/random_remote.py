"""Supabase Lite with schemas of `random_schemas`, as the public sees it, and what edits change."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import scripted
from edge import Database
from random_schema import Schema

from edge_cache.dependencies import relation_id
from edge_cache.queries import ACCEPTED, Query
from edge_cache.supabase.catalogue import Catalogue, catalogue_in
from local import stack, supabase_lite
from local.supabase_project import localized

HERE = Path(__file__).parent

SECRET = "right"

Changes = Mapping[str, frozenset[str] | None]
"""What an edit changed: the keys of the rows by relation, or None if the rows have none."""

Answer = tuple[int, bytes]
"""The status; the body and how much of the whole it is."""

Rows = Mapping[str, list[tuple[str, dict[str, object]]]]


@dataclass
class Remote:
    """Supabase Lite as the public and as its owner."""

    public: httpx.Client
    database: Database

    def answer(self, query: Query) -> Answer:
        """Ask what the Worker would ask."""
        headers = {"accept": ACCEPTED[query.accept], "accept-profile": query.profile}
        if query.count:
            headers["prefer"] = f"count={query.count}"
        question = f"?{query.parameters}" if query.parameters else ""
        said = self.public.get(f"/{query.target}{question}", headers=headers)
        return said.status_code, said.content + said.headers.get("content-range", "").encode()

    def install(self, schemas: list[Schema]) -> Catalogue:
        """Fill the tables, install the script, and return the catalogue."""
        for schema in schemas:
            self.database.run(";\n".join(schema.rows))
        scripted.install(self.database, declared_of(schemas))
        key = f"('edge_cache_secret', '{SECRET}')"
        self.database.run(f"insert into vault.secrets values {key}")
        said = self.public.post("/rpc/edge_cache_catalogue", json={"secret": SECRET})
        assert said.is_success, said.text
        return catalogue_in(said.text)

    def rows(self, schema: Schema) -> Rows:
        """Return everything that a schema has."""
        asked = {"schemas": [schema.name, schema.private]}
        said = self.database.http.post("/rpc/everything", json=asked)
        found: Rows = said.raise_for_status().json()
        return found

    def edits(self, statement: str) -> bool:
        """Run a statement, and return whether Postgres accepts it."""
        return self.database.http.post("/rpc/run", json={"statements": statement}).is_success


def declared_of(schemas: list[Schema]) -> dict[str, object]:
    """Return what ``TABLES`` says of schemas."""
    return {path: one for schema in schemas for path, one in schema.declared.items()}


@contextmanager
def remote_of(schemas: list[Schema], folder: Path) -> Iterator[Remote]:
    """Run Supabase Lite with schemas."""
    source = folder / "source"
    shutil.copytree(HERE / "project", source, ignore=shutil.ignore_patterns("*.sql"))
    config = localized(
        (source / "config.toml").read_text(),
        {
            ("api", "schemas"): json.dumps(["public", *(one.name for one in schemas)]),
            ("api", "aggregates_enabled"): "true",
        },
    )
    (source / "config.toml").write_text(config)
    (source / "seed.sql").touch()
    doors = (HERE / "doors.sql", HERE / "relations_doors.sql")
    texts = [
        *(file.read_text() for file in (supabase_lite.STAND_INS, *doors)),
        ";\n".join([*(one for schema in schemas for one in schema.statements), ""]),
        scripted.script_for(declared_of(schemas)),
    ]
    (source / "edge_cache.sql").write_text("\n".join(texts))
    supabase = stack.start_supabase(folder / "running", stack.free_port(), source=source)
    try:
        at = f"{supabase.url}/rest/v1"
        public = httpx.Client(base_url=at, headers={"apikey": supabase.publishable_key}, timeout=60)
        owner = httpx.Client(base_url=at, headers={"apikey": supabase.secret_key}, timeout=60)
        with public, owner:
            yield Remote(public, Database(owner))
    finally:
        supabase.process.stop()


def changes_between(before: Rows, after: Rows) -> Changes:
    """Return what differs between two states of the rows."""
    found: dict[str, frozenset[str] | None] = {}
    for name in before:
        old, new = (
            {json.dumps(row, sort_keys=True): row[1].get("id") for row in rows[name]}
            for rows in (before, after)
        )
        differing = {text: (old | new)[text] for text in old.keys() ^ new.keys()}
        if differing:
            keys = frozenset(map(str, differing.values()))
            found[relation_id(*name.split(".", 1))] = None if "None" in keys else keys
    return found
