"""Whether the project answers and accepts the key. If not, no other check asks it anything."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote

import httpx

from diagnosis.findings import Finding, fail, ok
from diagnosis.naming import CHECK_ADDRESS, CHECK_KEY, reason
from diagnosis.project import Project
from edge_cache.errors import InvalidAnswer, UpstreamError
from edge_cache.supabase.answers import error_code, is_postgrests, require_success

SUBJECT = "the project"

_BAD_TOKEN = frozenset({"PGRST301", "PGRST302", "PGRST303"})
"""PostgREST's codes for a key that it cannot verify."""


async def check(
    project: Project, target: str, schema: str, url: str, places: Mapping[str, str]
) -> Finding:
    """Ask for one declared table, view or function, and see who answers."""
    try:
        response = await project.get(f"{quote(target)}?limit=1", schema)
    except UpstreamError as error:
        return fail(SUBJECT, f"{url} does not serve: {_sentence(reason(error))}", CHECK_ADDRESS)
    return judge(response, url, places)


def judge(response: httpx.Response, url: str, places: Mapping[str, str]) -> Finding:
    """Return whether a Supabase project answered that knows the key. Other errors do not matter."""
    code = error_code(response)
    if "supabase-edge-cache" in response.headers.get("cache-status", ""):
        return fail(SUBJECT, f"{url} is a Worker of this kind, not Supabase itself.", CHECK_ADDRESS)
    if code in _BAD_TOKEN or (code is None and response.status_code == HTTPStatus.UNAUTHORIZED):
        said = f"SUPABASE_ANON_KEY from {places['SUPABASE_ANON_KEY']} is no key of {url}."
        return fail(SUBJECT, said, CHECK_KEY)
    if code is None and not is_postgrests(response):
        try:
            require_success(response)
            raise InvalidAnswer("what answers is no Supabase project.")
        except UpstreamError as error:
            return fail(SUBJECT, f"{url}: {reason(error)}", CHECK_ADDRESS)
    taken = f"{url} (from {places['SUPABASE_URL']}) takes the key (from"
    return ok(SUBJECT, f"{taken} {places['SUPABASE_ANON_KEY']}).")


def _sentence(text: str) -> str:
    return text.rstrip(".") + "."
