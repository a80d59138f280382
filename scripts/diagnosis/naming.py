"""Names in findings, and the advice that more than one check gives."""

from __future__ import annotations

import re

from edge_cache.errors import UpstreamError

_PLAIN = re.compile("[a-z_][a-z0-9_]*")
"""A name that needs no quotes in SQL."""

FUNCTION = "rpc/"
"""The prefix of functions in the API's paths."""

INSTALL = (
    "Run the script that `npm run --silent sql` prints in the SQL editor (Dashboard → SQL Editor)."
)

GIVE_IT = "Put REVALIDATE_SECRET into .dev.vars or into the environment."

CHECK_ADDRESS = (
    "Compare SUPABASE_URL with Dashboard → Project Settings → Data API, and check that the project"
    " is not paused."
)

CHECK_KEY = (
    "Take the publishable key or the legacy anon key of this project, from Dashboard → Project"
    " Settings → API Keys."
)

_DECLARATION = "Create it, or correct its line in src/tables.toml."

_WAYS_OUT = {
    "42501": "If it is public, run `grant select on {name} to anon;` in the SQL editor.",
    "42703": 'Declare in src/tables.toml which column names a row, such as {{ key = "sku" }}.',
    "42P01": _DECLARATION,
    "57014": "Serve fewer rows with a view, or raise the statement timeout of the role anon.",
    "PGRST106": "Expose the schema: Dashboard → Project Settings → Data API.",
    "PGRST205": _DECLARATION,
    "PGRST301": CHECK_KEY,
}
"""By PostgREST's or Postgres's error code."""


def named(target: str, schema: str) -> str:
    """Return the SQL name of a target below ``/rest/v1/``, such as ``public.articles``."""
    return f"{_identifier(schema)}.{_identifier(target.removeprefix(FUNCTION))}"


def _identifier(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def reason(error: UpstreamError) -> str:
    """Return why Supabase did not answer, without the table's name: the line begins with it."""
    return error.detail.partition(" Table: ")[0]


def way_out(error: UpstreamError, name: str) -> str:
    """Return what to do about this error of a relation."""
    advice = _WAYS_OUT.get(error.code or "")
    if advice is not None:
        return advice.format(name=name)
    if error.supabase_status is None:
        return CHECK_ADDRESS
    return CHECK_KEY if error.supabase_status in {401, 403} else "See Dashboard → Logs → API."
