"""The project's database with the objects of `npm run sql`, and without them again.

Supabase Lite looks only once, at its start, which functions there are. So they are in the schema
that it starts with. Then they are removed, and tests that need them bring them back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edge import SECRET, Database, Edge, EdgeOf
from worker_config import TABLES

from edge_cache.tables import declared_by
from shared import edge_sql

HERE = Path(__file__).parent


def script_for(tables: Mapping[str, object]) -> str:
    """Return what `npm run sql` prints for some tables."""
    return edge_sql.installing(declared_by(json.dumps(tables)))


def objects() -> str:
    """Return the SQL of everything that has to exist when Supabase Lite starts."""
    texts = [(HERE / name).read_text() for name in ("stand_ins.sql", "doors.sql")]
    return "\n".join([*texts, script_for(TABLES)])


def install(database: Database, tables: Mapping[str, object]) -> None:
    """Run the script."""
    database.run(_without_transaction(script_for(tables)))


def remove(database: Database) -> None:
    """Remove what the script made, except the function that reads a long table."""
    snapshot = edge_sql.snapshot(declared_by(json.dumps(TABLES)))
    database.run(f"{_without_transaction(edge_sql.removing())}{snapshot}; truncate vault.secrets")


def tell(database: Database, url: str, secret: str) -> None:
    """Make the database send its changes to a Worker from now on."""
    database.run(f"""
        truncate vault.secrets, edge_cache.outbox;
        insert into vault.secrets values
          ('edge_cache_url', '{url}'), ('edge_cache_secret', '{secret}');
    """)  # noqa: S608  ours


@contextmanager
def installed(database: Database, tables: Mapping[str, object]) -> Iterator[None]:
    """Have the script's objects until the block ends."""
    install(database, tables)
    try:
        yield
    finally:
        remove(database)


def _without_transaction(script: str) -> str:
    """Return a script that a function can run: the function is in a transaction already."""
    return script.replace("\nbegin;\n", "\n").replace("\ncommit;\n", "\n")


@contextmanager
def known_to(
    edge_of: EdgeOf, database: Database, tables: Mapping[str, object], **more: str
) -> Iterator[Edge]:
    """Have a Worker that knows the catalogue and the outbox, until the block ends.

    It gets ``more`` variables.
    """
    with installed(database, tables):
        edge = edge_of({"REVALIDATE_SECRET": SECRET, "TABLES": json.dumps(tables), **more})
        edge.upstream.has_script = True
        tell(database, f"{edge.url}/revalidate", SECRET)
        edge.tick(minute=1)
        edge.settle_all()
        yield edge
