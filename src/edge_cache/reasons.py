"""Why the cache does not answer a request, as `Cache-Status` and the log name it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """A documented word for each reason (docs/responses.md, "Passed on")."""

    KEY = "key"
    SESSION = "session"
    RANGE = "range"
    UNDECLARED = "undeclared"
    QUERY = "query"
    PREFER = "prefer"
    ACCEPT = "accept"
    PROFILE = "profile"
    SERVICE = "service"
    """It is for another service of Supabase's than its REST API."""
    METHOD = "method"
    """It is no read."""
    OVERLOADED = "overloaded"
    UNREACHABLE = "refresher-unavailable"


@dataclass(frozen=True, slots=True)
class PassedOn:
    """The request is for Supabase itself."""

    why: Reason
