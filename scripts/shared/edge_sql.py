"""Joins the SQL files of `supabase/edge_cache/` and the declared tables into one script."""

import hashlib
import json
from collections.abc import Iterator, Mapping

from shared.declarations import Declared
from shared.failure import Failure
from shared.project import PACKAGE

FOLDER = PACKAGE / "supabase" / "edge_cache"

DEFINITIONS = (
    *(
        "outbox",
        "prune",
        "gaps",
        "poke",
        "told",
        "announce",
        "computed",
        "handlers",
        "edges",
        "unknown",
    ),
    *("reads", "watched", "secret", "changes", "keys", "fingerprint"),
    *("trees", "stable_functions", "readers", "reader_settings", "steps", "differs", "catalogue"),
    *("check_declared", "check_tables", "check_reads", "check_readers", "check", "triggers", "ddl"),
)
"""The files that are the same for every project. Each comes after those that it needs."""

EXPOSED = "array['public']"
"""The place in snapshot.sql that names the schemas of the tables that it reads."""

DIGEST_CHARACTERS = 16

HEAD = """\
-- {what} Made by `npm run sql` of supabase-edge-cache.
-- Run it in the project's SQL editor (Dashboard → SQL Editor), or keep it as a migration. You may
-- run it again at any time.
{more}begin;
set local lock_timeout = '10s'; -- because later queries wait behind a script that waits for a lock
-- So a name without a schema is always one of Postgres's own.
set local search_path = pg_catalog, pg_temp;
"""

VAULT = """\
-- It needs the Worker's address and the value of REVALIDATE_SECRET in Vault. Add them once:
--   select vault.create_secret('https://….workers.dev/revalidate', 'edge_cache_url');
--   select vault.create_secret('…', 'edge_cache_secret');
"""

RELOAD = """\
-- The API has to read the schema again before it knows the new functions.
notify pgrst, 'reload schema';
commit;
"""

IDENTITY = """\
-- `npm run setup` and `npm run doctor` compare this with the script that they would install.
comment on schema edge_cache is '{digest}';
"""

CHECK = """\
-- Lists what is wrong ('error'), and which changes the Worker would miss ('warning'). If it lists
-- neither, all is well. It also says which answers are the same for everybody ('info').
select * from edge_cache.check();
"""


def installing(declared: Declared) -> str:
    """Return the script that sends changes of the declared tables to the Worker."""
    body = _body(declared)
    return "\n".join((body, IDENTITY.format(digest=_digest(body)), RELOAD, CHECK))


def identity(declared: Declared) -> str:
    """Return what the database says of itself once the script for these tables ran."""
    return _digest(_body(declared))


def _body(declared: Declared) -> str:
    return "\n".join(
        (
            HEAD.format(what="Sends changes of your tables to the Worker.", more=VAULT),
            _text("owner"),
            _text("schema"),
            _text("declared"),
            _rows_inserted(declared),
            snapshot(declared),
            *map(_text, DEFINITIONS),
        )
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARACTERS]


def vault(entries: Mapping[str, str]) -> str:
    """Return statements that put values into Vault, and replace those that are there."""
    statements = "\n".join(
        f"delete from vault.secrets where name = {_literal(name)};\n"  # noqa: S608 - quoted
        f"do $do$ begin perform vault.create_secret({_literal(value)}, {_literal(name)}); end $do$;"
        for name, value in entries.items()
    )
    return f"begin;\n{statements}\ncommit;\n"


def removing() -> str:
    """Return the script that removes everything again."""
    what = "Removes what sends changes of your tables to the Worker."
    return "\n".join((HEAD.format(what=what, more=""), _text("owner"), _text("remove"), RELOAD))


def snapshot(declared: Declared) -> str:
    """Return the function that reads tables in the schemas of the declared ones."""
    text = _text("snapshot")
    if text.count(EXPOSED) != 1:
        raise Failure(f"snapshot.sql should contain {EXPOSED} once: restore the file from git.")
    schemas = ", ".join(sorted({_literal(table.schema) for table in declared.tables}))
    return text.replace(EXPOSED, f"array[{schemas}]::text[]")


def _text(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text()


def _rows_inserted(declared: Declared) -> str:
    rows = ",\n".join(f"  ({', '.join(map(_literal, row))})" for row in _rows(declared))
    columns = "kind, schema_name, name, key_column, reads"
    return f"insert into edge_cache.declared ({columns}) values\n{rows};\n"


def _rows(declared: Declared) -> Iterator[tuple[str | None, ...]]:
    for table in declared.tables:
        yield "table", table.schema, table.relation, table.key, None
    for name, schema in declared.watched:
        yield "watch", schema, name, None, None
    for target, schema in sorted(declared.others):
        name = target.removeprefix("rpc/")
        reads = declared.reads.get((target, schema))
        told = None if reads is None else json.dumps(reads, ensure_ascii=False)
        yield "view" if name == target else "function", schema, name, None, told


def _literal(value: str | None) -> str:
    """Return a text as an SQL literal."""
    return "null" if value is None else "'" + value.replace("'", "''") + "'"
