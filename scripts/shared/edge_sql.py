"""Joins the SQL files of `supabase/edge_cache/`, and what is declared, into one script."""

from collections.abc import Iterator

from shared.declarations import Declared
from shared.failure import Failure
from shared.project import ROOT

FOLDER = ROOT / "supabase" / "edge_cache"

DEFINITIONS = (
    *("outbox", "prune", "gaps", "send", "touched", "announce", "watched", "secret", "changes"),
    *("reads", "check_declared", "check_tables", "check_reads", "check", "triggers"),
)
"""What is the same for every project, each after what it needs."""

EXPOSED = "array['public']"
"""Where snapshot.sql names the schemas of the tables that it reads."""

HEAD = """\
-- {what} It is made by `npm run sql` of supabase-edge-cache.
-- Run it in the project's SQL editor (Dashboard → SQL Editor), or keep it as a migration. It may be
-- run again.
{more}begin;
set local lock_timeout = '10s'; -- rather than have all that comes later wait behind it
-- A name without a schema is Postgres's own, whatever others put into the session's search path.
set local search_path = pg_catalog, pg_temp;
"""

VAULT = """\
-- Once, it needs the Worker's address and the value of REVALIDATE_SECRET in Vault:
--   select vault.create_secret('https://….workers.dev/revalidate', 'edge_cache_url');
--   select vault.create_secret('…', 'edge_cache_secret');
"""

RELOAD = """\
-- The API knows which functions there are only once it has read the schema again.
notify pgrst, 'reload schema';
commit;
"""

CHECK = """\
-- What would go stale unseen, or is wrong; no row where nothing is.
select * from edge_cache.check();
"""


def installing(declared: Declared) -> str:
    """Return the script that has the database tell the Worker of what is declared."""
    return "\n".join(
        (
            HEAD.format(what="Tells the Worker of changes.", more=VAULT),
            _text("owner"),
            _text("schema"),
            _text("declared"),
            _rows_inserted(declared),
            snapshot(declared),
            *map(_text, DEFINITIONS),
            RELOAD,
            CHECK,
        )
    )


def removing() -> str:
    """Return the script that removes everything again."""
    what = "Removes what tells the Worker of changes."
    return "\n".join((HEAD.format(what=what, more=""), _text("owner"), _text("remove"), RELOAD))


def snapshot(declared: Declared) -> str:
    """Return the function that reads tables of the declared schemas."""
    text = _text("snapshot")
    if text.count(EXPOSED) != 1:
        raise Failure(f"snapshot.sql should have {EXPOSED} once: restore it from the repository.")
    schemas = ", ".join(sorted({_literal(table.schema) for table in declared.tables}))
    return text.replace(EXPOSED, f"array[{schemas}]::text[]")


def _text(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text()


def _rows_inserted(declared: Declared) -> str:
    rows = ",\n".join(f"  ({', '.join(map(_literal, row))})" for row in _rows(declared))
    return (
        f"insert into edge_cache.declared (kind, schema_name, name, key_column) values\n{rows};\n"
    )


def _rows(declared: Declared) -> Iterator[tuple[str, str, str, str | None]]:
    for table in declared.tables:
        yield "table", table.schema, table.relation, table.key
    for name, schema in declared.watched:
        yield "watch", schema, name, None
    for target, schema in sorted(declared.others):
        name = target.removeprefix("rpc/")
        yield "view" if name == target else "function", schema, name, None


def _literal(value: str | None) -> str:
    """Return a text as SQL spells it."""
    return "null" if value is None else "'" + value.replace("'", "''") + "'"
