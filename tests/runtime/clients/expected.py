"""What the Worker does with each read of reads.mjs and reads.py."""

from __future__ import annotations

from collections.abc import Mapping

ASKED_BY_STATUS_ALONE = frozenset({"head_unknown_table"})
"""An error without a body. Each client turns it into something else."""

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
"""Reads that the cache does not answer."""

CACHED_ERRORS: Mapping[str, str] = {"single_none": "PGRST116", "single_several": "PGRST116"}
"""These codes say how many rows there are, which is an answer like any other."""

CLIENTS_OWN_ERRORS = frozenset({"maybe_several"})
"""Here the client makes an error of an answer that is none."""

FINDS_NOTHING = frozenset(
    {"nothing_found", "page_past_the_end", "maybe_none", "csv_empty", "head", "head_count"}
)
"""All other reads have rows, so that we notice an operator that finds nothing."""

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
    """Return whether the second read should be answered without Supabase."""
    return read not in {*PASSED, *ASKED_AGAIN, *ASKED_BY_STATUS_ALONE}


def error_code(read: str) -> str | None:
    """Return the code of the error that a read ends with, or None."""
    return {**ASKED_AGAIN, **CACHED_ERRORS}.get(read)
