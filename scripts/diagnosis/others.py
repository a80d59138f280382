"""Whether each declared view, function and watched table answers the public key."""

from __future__ import annotations

from urllib.parse import quote

import httpx

from diagnosis.findings import Finding, fail, ok, skip
from diagnosis.naming import FUNCTION, named, reason, way_out
from diagnosis.project import Project
from edge_cache.errors import UpstreamError
from edge_cache.supabase.answers import error_code, error_text, is_postgrests, require_success

_FORBIDDEN = "42501"
_NO_SUCH_FUNCTION = "PGRST202"
_WRITES = "25006"


async def check(project: Project, target: str, schema: str) -> Finding:
    """Ask a view for a row, or call a function without arguments, as the Worker would."""
    name = named(target, schema)
    parameters = "" if target.startswith(FUNCTION) else "?select=*&limit=1"
    try:
        response = await project.get(f"{quote(target)}{parameters}", schema)
        return judge(name, response)
    except UpstreamError as error:
        return _refused(name, target, error)


async def check_watched(project: Project, table: str, schema: str) -> Finding:
    """Ask a watched table for a row. The public key need not be allowed to read it."""
    name = named(table, schema)
    try:
        require_success(await project.get(f"{quote(table)}?select=*&limit=1", schema))
    except UpstreamError as error:
        if error.code == _FORBIDDEN:
            return ok(name, "a watched table, which the public key may not read.")
        return _refused(name, table, error)
    return ok(name, "a watched table: the public key reads it, under /rest/v1/.")


def judge(name: str, response: httpx.Response) -> Finding:
    """Return the finding about an answer. Raises UpstreamError for other errors."""
    code = error_code(response)
    if code == _NO_SUCH_FUNCTION:
        return _not_called(name, error_text(response, "hint") or "")
    if code == _WRITES:
        said = "the function writes, so a GET cannot call it."
        return fail(
            name, said, "Declare only functions that do not write: stable or immutable ones."
        )
    if response.is_redirect and is_postgrests(response):
        return ok(name, f"the public key calls it; SQL chose the status {response.status_code}.")
    require_success(response)
    return ok(name, "the public key reads it, under /rest/v1/.")


def _not_called(name: str, hint: str) -> Finding:
    """Judge by PostgREST's hint, which names a function of this name with other arguments."""
    if f"{name}(" in hint:
        return ok(name, "the function exists. It was not called, because it takes arguments.")
    return skip(
        name,
        "there is no function of this name without arguments. The public key cannot see whether"
        " there is one with arguments.",
        "If edge_cache_check is installed, it reports a missing function.",
    )


def _refused(name: str, target: str, error: UpstreamError) -> Finding:
    if target.startswith(FUNCTION) and error.code == _FORBIDDEN:
        advice = f"Grant execute on {name} to anon, and select on what it reads."
        return fail(name, reason(error), advice)
    advice = way_out(error, name)
    if error.code == _FORBIDDEN:
        advice += " A view with security_invoker needs the same grant on the tables that it reads."
    return fail(name, reason(error), advice)
