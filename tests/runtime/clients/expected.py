"""What each read of reads.mjs and reads.py meets at the Worker."""

from __future__ import annotations

from collections.abc import Mapping

ASKED_BY_STATUS_ALONE = frozenset({"head_unknown_table"})
"""An error without a body, of which each client makes something of its own."""

ASKED_AGAIN: Mapping[str, str] = {
    "unknown_column": "42703",
    "unknown_filter": "42703",
    "unknown_table": "PGRST205",
    "unknown_but_declared": "PGRST205",
    "unknown_embed": "PGRST200",
    "unknown_schema": "PGRST106",
    "unknown_function": "PGRST202",
    "unknown_argument": "PGRST202",
    "aggregate_not_allowed": "PGRST123",
    "bad_value": "22P02",
    "bad_operator": "PGRST100",
    "bad_select": "PGRST100",
    "no_grant": "42501",
    "count_past_the_end": "PGRST103",
    "explain": "PGRST107",
}
"""Errors, which are never stored, and the code of each."""

PASSED = frozenset({"undeclared_table", "posted_function"})
"""What the cache does not answer."""

CACHED_ERRORS: Mapping[str, str] = {"single_none": "PGRST116", "single_several": "PGRST116"}
"""How many rows there are is an answer like any other; these codes tell it."""

CLIENTS_OWN_ERRORS = frozenset({"maybe_several"})
"""What the client makes an error of an answer without one."""

FINDS_NOTHING = frozenset(
    {"nothing_found", "page_past_the_end", "maybe_none", "csv_empty", "head", "head_count"}
)
"""Everything else has rows, so that an operator which finds nothing is noticed."""

NOT_ON_LITE: Mapping[str, str] = {
    "eq with spaces at the ends": "it trims the value",
    "eq with the text null": "it finds nothing",
    "a backslash in a quoted value of or": "it stays doubled",
    "geojson": "406, as without PostGIS",
    "explain": "406, as where plans are switched off, which is how projects begin",
    "rollback": "the preference is not known",
    "head of a function": "400",
    "aggregates": "400 as on a new project, except for count() of what is embedded",
    "a missing grant on a table": "it grants every table in an exposed schema of its own accord",
    "text that is JSON in a jsonb column": "22P02",
}
"""What no read asks for, as Supabase Lite differs from PostgREST in it."""


def is_cached(read: str) -> bool:
    """Tell whether the second read is to be answered without Supabase."""
    return read not in {*PASSED, *ASKED_AGAIN, *ASKED_BY_STATUS_ALONE}


def error_code(read: str) -> str | None:
    """Return the code of the error that a read ends with, if it does."""
    return {**ASKED_AGAIN, **CACHED_ERRORS}.get(read)
