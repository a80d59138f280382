"""What the Worker says about itself: configuration, tables, and failed refreshes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from diagnosis.findings import Finding, counted, fail, has_failed, ok, warn
from diagnosis.naming import GIVE_IT
from diagnosis.worker import SEE_LOG, object_in, problem
from edge_cache.errors import UpstreamTimeout, UpstreamUnavailable, UpstreamUnreachable
from edge_cache.tables import Declared

SUBJECT = "the Worker"

_SET_VARIABLE = "Set it with `npx wrangler secret put NAME`, or in wrangler.toml, and deploy again."
_GIVE = "Set it with `npx wrangler secret put REVALIDATE_SECRET`, and put it into Vault."
_WHERE = "Give --worker the address that `npm run deploy` printed."
_DECLARE = (
    "Declare it in src/tables.toml (`{ watch = true }`), and run the script of `npm run sql` again."
)
_REFUSED = f"Compare its REVALIDATE_SECRET with edge_cache_secret in Vault; {SEE_LOG.lower()}"
_IS_DOWN = (
    "It asks again by itself. See https://status.supabase.com, and whether the project is paused."
)
_OUTAGES = frozenset(
    kind.slug for kind in (UpstreamUnreachable, UpstreamTimeout, UpstreamUnavailable)
)
"""These failures say nothing of the secret."""
_DEPLOY = "Deploy this wrangler.toml: `npm run deploy`."


@dataclass(frozen=True, slots=True)
class Checkup:
    """The findings, and the tables that the Worker serves; None if it cannot be asked."""

    findings: list[Finding]
    tables: frozenset[str] | None = None


def unanswered(why: str) -> Checkup:
    """Return that the Worker does not answer."""
    return Checkup([fail(SUBJECT, why, _WHERE)])


def judge(response: httpx.Response, declared: Declared) -> Checkup:
    """Return the findings about an answer of ``/health``."""
    report = object_in(response)
    if not _is_a_report(report):
        said = f"what answers is not this Worker, because it has no /health; {problem(response)}"
        return Checkup([fail(SUBJECT, said, _WHERE)])
    if report["configuration"] != "ok":
        return Checkup([fail(SUBJECT, fault, _SET_VARIABLE) for fault in report["configuration"]])
    tables, project = report["tables"], report["project"]
    scopes = {**{f"/{name}": told for name, told in tables.items()}, "its queries": project}
    faults = [fault for name, told in scopes.items() for fault in _scope_faults(name, told)]
    faults += _secret_faults(report.get("revalidation"))
    findings = [*_declaration_faults(tables, declared), *faults, *_outbox_faults(project)]
    if not has_failed(findings):
        findings.insert(0, ok(SUBJECT, f"it is configured; {_served(tables)}."))
    return Checkup(findings, frozenset(tables))


def _is_a_report(report: Mapping[str, Any]) -> bool:
    tables, project = report.get("tables"), report.get("project")
    if not isinstance(tables, dict) or not isinstance(project, dict):
        return False
    return "configuration" in report and all(isinstance(told, dict) for told in tables.values())


def _served(tables: Mapping[str, Any]) -> str:
    cached = sum(bool(told["cached"]) for told in tables.values())
    return f"it serves {counted(len(tables), 'table')}, of which {cached} are in KV"


def _declaration_faults(tables: Mapping[str, Any], declared: Declared) -> list[Finding]:
    """Compare the names of the tables. ``/health`` shows neither keys nor schemas."""
    wanted = {table.name for table in declared.tables}
    lacks, has = sorted(wanted - tables.keys()), sorted(tables.keys() - wanted)
    if not lacks and not has:
        return []
    parts = [f"it lacks {', '.join(lacks)}"] if lacks else []
    parts += [f"it serves {', '.join(has)} as well"] if has else []
    return [fail(SUBJECT, f"its tables are not the declared ones: {' and '.join(parts)}.", _DEPLOY)]


def _secret_faults(revalidation: object) -> list[Finding]:
    """Return what it means if the Worker has no secret. On this machine, webhooks need none."""
    if revalidation == "closed":
        return [fail(SUBJECT, "it has no REVALIDATE_SECRET, so it accepts no webhook.", _GIVE)]
    if revalidation == "open":
        said = "it has no REVALIDATE_SECRET, so the database does not tell it of edits."
        return [warn(SUBJECT, said, GIVE_IT)]
    return []


def _outbox_faults(project: Mapping[str, Any]) -> list[Finding]:
    """Return what keeps changes of the database from the Worker, if that is known."""
    outbox = project.get("outbox") or {}
    faults = []
    if error := outbox.get("error"):
        said = f"it could not ask the database for changes: {error}."
        faults.append(warn(SUBJECT, said, _IS_DOWN if error in _OUTAGES else _REFUSED))
    if unwatched := outbox.get("unwatched"):
        said = (
            f"answers show rows of {', '.join(unwatched)}, but no trigger tells of changes there."
        )
        faults.append(warn(SUBJECT, said, _DECLARE))
    return faults


def last_error(told: Mapping[str, Any]) -> str:
    """Return the last failure of a table, or of the project, as a sentence."""
    return str(told.get("last_error_detail") or f"The last error is {told.get('last_error')}.")


def _scope_faults(name: str, told: Mapping[str, Any]) -> list[Finding]:
    """Return what goes wrong with a table, or with the project's queries."""
    if "error" in told:
        return [fail(f"{SUBJECT}, {name}", f"{told['error'].get('detail', 'it fails')}", SEE_LOG)]
    if not told.get("failures"):
        return []
    said = f"{counted(told['failures'], 'read')} of Supabase failed in a row. {last_error(told)}"
    if not told.get("serving", True):
        return [fail(f"{SUBJECT}, {name}", f"readers get errors; {said}", SEE_LOG)]
    return [warn(f"{SUBJECT}, {name}", f"readers get the old entry; {said}", SEE_LOG)]
