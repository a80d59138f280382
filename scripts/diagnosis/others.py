"""Whether each declared view and function answers the public key."""

from __future__ import annotations

from urllib.parse import quote

import httpx

from diagnosis.findings import Finding, fail, ok, skip
from diagnosis.naming import FUNCTION, named, reason, way_out
from diagnosis.project import Project
from edge_cache.errors import UpstreamError
from edge_cache.supabase.answers import error_code, error_text, is_postgrests, require_success

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


def judge(name: str, response: httpx.Response) -> Finding:
    """Return what an answer tells. Raises UpstreamError where it is another refusal."""
    code = error_code(response)
    if code == _NO_SUCH_FUNCTION:
        return _not_called(name, error_text(response, "hint") or "")
    if code == _WRITES:
        said = "the function writes, so it cannot be read by GET."
        return fail(name, said, "Declare functions that read only, as stable or immutable.")
    if response.is_redirect and is_postgrests(response):
        return ok(name, f"the public key calls it; SQL chose the status {response.status_code}.")
    require_success(response)
    return ok(name, "the public key reads it.")


def _not_called(name: str, hint: str) -> Finding:
    """Judge by PostgREST's hint, which names a function that takes other arguments."""
    if f"{name}(" in hint:
        return ok(name, "the function is there; it takes arguments, so it was not called.")
    return skip(
        name,
        "there is no function of this name without arguments; the public key cannot tell whether"
        " there is one with.",
        "edge_cache_check tells, where it is installed.",
    )


def _refused(name: str, target: str, error: UpstreamError) -> Finding:
    if target.startswith(FUNCTION) and error.code == "42501":
        advice = f"Grant execute on {name} to anon, and select on what it reads."
        return fail(name, reason(error), advice)
    advice = way_out(error, name)
    if error.code == "42501":
        advice += " A view with security_invoker needs that on the tables that it reads, too."
    return fail(name, reason(error), advice)
