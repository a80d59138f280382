"""The functions that `npm run sql` installs, and what they answer if we have the secret."""

from __future__ import annotations

import asyncio
from urllib.parse import quote, urlencode

import httpx

from diagnosis.findings import Finding, Verdict, fail, ok, skip, warn
from diagnosis.naming import GIVE_IT, INSTALL, named, reason
from diagnosis.project import Project
from edge_cache.errors import InvalidAnswer, UpstreamError
from edge_cache.supabase.answers import (
    error_code,
    is_no_function,
    object_in,
    require_success,
    rows_in,
)
from edge_cache.supabase.parsing import is_text
from edge_cache.tables import PUBLIC, Declared
from shared import edge_sql

SNAPSHOT = "edge_cache_snapshot"
CHANGES = "edge_cache_changes"
CHECK = "edge_cache_check"

_IS_WRONG = "28P01"
_IS_NOWHERE = "28000"

UNWATCHED = "it lacks the triggers that write down its changes."

ANOTHER_SCRIPT = "it is of another version, or of other tables, than this clone declares."

_PRICES = {
    SNAPSHOT: "long tables are read page by page",
    CHANGES: "a change whose webhook is lost is found late",
    CHECK: "this command cannot see which changes would go unnoticed",
}
"""The disadvantage if a function is missing."""

_UNSEEN = (
    "without edge_cache_check and the secret, this command cannot see whether keys are unique, row"
    " level security is on and triggers exist."
)


async def check(project: Project, secret: str | None, declared: Declared) -> list[Finding]:
    """Return whether the functions exist, and what they find wrong in the database."""
    try:
        return await _checked(project, secret, declared)
    except UpstreamError as error:
        # Without the secret, the functions refuse. Supabase Lite says that in its own way.
        return [_failure(error)] if secret else [_unasked()]


async def _checked(project: Project, secret: str | None, declared: Declared) -> list[Finding]:
    # This table cannot exist. If the function does, it answers with an error about the table. If no
    # table is declared, the function reads no schema, and the Worker never calls it.
    schema = next((table.schema for table in declared.tables), PUBLIC)
    nothing = {"schema_name": schema, "table_name": "edge_cache/none", "key_column": "id"}
    answers = await asyncio.gather(
        project.get(f"rpc/{SNAPSHOT}?{urlencode(nothing, quote_via=quote)}"),
        project.call(CHANGES, {"secret": secret or "", "after": None}),
        project.call(CHECK, {"secret": secret or ""}),
    )
    by_name = dict(zip((SNAPSHOT, CHANGES, CHECK), answers, strict=True))
    needed = [name for name in by_name if name != SNAPSHOT or declared.tables]
    missing = [name for name in needed if is_no_function(by_name[name])]
    presence = _presence(needed, missing)
    if CHECK in missing:
        return [presence, skip(CHECK, _UNSEEN, INSTALL)]
    try:
        found = judge(by_name[CHECK], has_secret=secret is not None)
        changes = by_name[CHANGES]
        present = another_script(changes, declared) or [presence]
        return [*present, *found, *unwatched(changes, declared)]
    except UpstreamError as error:
        return [presence, _failure(error)]


def _unasked() -> Finding:
    return skip(CHECK, f"{_UNSEEN} Nor does a Worker without it hear of edits.", GIVE_IT)


def _failure(error: UpstreamError) -> Finding:
    return fail(
        CHECK, reason(error), "Run this again. If it still fails, see Dashboard → Logs → API."
    )


def _presence(needed: list[str], missing: list[str]) -> Finding:
    subject = "the project's SQL"
    if not missing:
        *others, last = needed
        return ok(subject, f"{', '.join(others)} and {last} answer.")
    price = " and ".join(_PRICES[name] for name in missing)
    return warn(subject, f"not there: {', '.join(missing)}, so {price}.", INSTALL)


def another_script(answer: httpx.Response, declared: Declared) -> list[Finding]:
    """Return a warning if the script that ran last is not the one for these tables."""
    if not answer.is_success or object_in(answer).get("script") == edge_sql.identity(declared):
        return []
    return [warn("the project's SQL", ANOTHER_SCRIPT, INSTALL)]


def unwatched(answer: httpx.Response, declared: Declared) -> list[Finding]:
    """Return the declared tables that lack triggers, as edge_cache_changes answers."""
    if not answer.is_success:
        return []
    watched = object_in(answer).get("watched")
    wanted = [*((table.relation, table.schema) for table in declared.tables), *declared.watched]
    return [
        fail(named(name, schema), UNWATCHED, INSTALL)
        for name, schema in wanted
        if not isinstance(watched, list) or [schema, name] not in watched
    ]


def judge(answer: httpx.Response, *, has_secret: bool) -> list[Finding]:
    """Return the findings in edge_cache_check's answer. Raises UpstreamError for other errors."""
    code = error_code(answer)
    if code == _IS_NOWHERE:
        said = "Vault has no edge_cache_secret, so no webhook is sent."
        advice = "Put the value of REVALIDATE_SECRET there: docs/deploying.md shows how."
        return [fail(CHECK, said, advice)]
    if not has_secret:
        return [_unasked()]
    if code == _IS_WRONG:
        said = "REVALIDATE_SECRET here differs from edge_cache_secret in Vault."
        advice = "Find out which of the two the Worker has, and set the other to the same."
        return [fail(CHECK, said, advice)]
    require_success(answer)
    return _told(answer)


def _told(answer: httpx.Response) -> list[Finding]:
    findings = [_finding(row) for row in rows_in(answer)]
    if all(finding.verdict is Verdict.OK for finding in findings):
        findings.insert(0, ok(CHECK, "it finds nothing wrong in the database."))
    return findings


def _finding(row: dict[str, object]) -> Finding:
    texts = [row.get(member) for member in ("severity", "object", "finding", "advice")]
    if not all(is_text(text) for text in texts):
        raise InvalidAnswer("edge_cache_check answered something else than findings.")
    severity, name, said, advice = map(str, texts)
    if severity == "info":
        return ok(f"signed in, {name}", said)
    return fail(name, said, advice) if severity == "error" else warn(name, said, advice)
