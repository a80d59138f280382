"""What the command prints: what it found, and the plan. No value that is secret is in it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from production.finding import Finding
from production.names import DATABASE_URL, URL
from production.plan import Found, Wanted
from production.steps import Ask, Step

_WIDTH = 10


def situation(wanted: Wanted, finding: Finding) -> str:
    """Return what was found, a line each."""
    found, values = finding.found, finding.values
    url = values.values.get(URL)
    supabase = f"{url} (from {values.places[URL]})" if url else "not known here"
    lines = {
        "Account": found.account or "nobody is logged in",
        "Worker": f"{wanted.worker}, {_worker(finding)}",
        "Supabase": supabase,
        "Database": _database(found, values.values.get(DATABASE_URL)),
    }
    return "\n" + "\n".join(f"{name:{_WIDTH}}{text}" for name, text in lines.items())


def _worker(finding: Finding) -> str:
    if finding.found.worker is None:
        return "not there yet"
    return f"at {finding.address}" if finding.address else "which is there"


def _database(found: Found, url: str | None) -> str:
    if url:
        return f"{urlsplit(url).hostname or 'on this machine'} (by SUPABASE_DB_URL)"
    if found.database is None:
        return "left alone, because SUPABASE_DB_URL is not known here"
    if found.is_direct:
        return "not known yet"
    return "SUPABASE_DB_URL is not known here, so " + (
        "the script becomes a migration" if found.migrations else "there is a file to paste"
    )


def plan(steps: Sequence[Step], *, is_unpushed: bool) -> str:
    """Return what is left to do."""
    if not steps and is_unpushed:
        return f"\nNothing to do here, but the database lacks the migration. {PUSH}"
    if not steps:
        return "\nNothing to do: the Worker, its secrets and the database are as this clone says."
    count = "1 step is" if len(steps) == 1 else f"{len(steps)} steps are"
    numbered = (f"  {number}. {step}" for number, step in enumerate(steps, start=1))
    more = f"\n{_WITHOUT}" if any(_asks_for_database(step) for step in steps) else ""
    return f"\n{count} left:\n" + "\n".join(numbered) + more


_WITHOUT = (
    f"Without {DATABASE_URL}, the last ones become a migration or a file to paste into the SQL"
    " editor."
)


def _asks_for_database(step: Step) -> bool:
    return isinstance(step, Ask) and DATABASE_URL in step.names


PUSH = "Push it: `npx supabase db push`."


def by_hand(left: Sequence[str]) -> str:
    """Return what only a person can do, after everything else."""
    lines = "".join(f"\nTo do by hand: {one}" for one in left)
    return f"{lines}\nAfter that, run this again: it should say that there is nothing to do."


def not_examined(environment: str) -> str:
    """Return why the doctor was not asked."""
    return (
        "\nThe doctor was not asked, because the Worker's address, SUPABASE_URL or"
        f" SUPABASE_ANON_KEY is not known here. See `npm run doctor -- --env {environment} --help`."
    )
