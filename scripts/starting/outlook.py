"""What `npm run doctor` finds before a Worker runs, in the words of `npm start`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace

from diagnosis.configuration import Configuration
from diagnosis.examination import Outlook, outlook
from diagnosis.findings import Finding, Verdict, fail, merged
from diagnosis.report import show
from edge_cache.config import Settings
from edge_cache.errors import ConfigurationError
from shared.failure import Failure

NOTHING = "Nothing can be served, so this ends here. Mend what fails above, and start again."

_WRONG = frozenset({Verdict.FAIL, Verdict.WARN})

_IN_THE_EDITOR = re.compile(r"[Rr]un `([^`]+)` in the SQL editor")

_BY_THE_SCRIPT = re.compile('[Rr]un the script of "npm run --silent sql" again')
"""`npm start` does that itself."""


def settings_of(configuration: Configuration, mend: str) -> Settings:
    """Return the checked configuration. Print what is wrong with it, and raise Failure."""
    try:
        return configuration.settings()
    except ConfigurationError as error:
        show([fail("the configuration", fault, mend) for fault in error.faults])
        raise Failure(NOTHING) from error


def look(settings: Settings, places: Mapping[str, str], *, is_local: bool) -> Outlook:
    """Print what is wrong, and return what can be read. Raises Failure if nothing can.

    Of a project of the user's, it also prints what is well.
    """
    seen = asyncio.run(outlook(settings, places))
    found = merged(map(in_files, seen.findings) if is_local else seen.findings)
    show([one for one in found if not is_local or one.verdict in _WRONG])
    if not seen.serves:
        raise Failure(NOTHING)
    return seen


def in_files(finding: Finding) -> Finding:
    """Return a finding whose advice is about files, because there is no SQL editor here."""
    advice = _IN_THE_EDITOR.sub(r"write `\1` into a file of supabase/schemas", finding.advice)
    return replace(finding, advice=_BY_THE_SCRIPT.sub("start again", advice))
