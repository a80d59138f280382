"""Why the cache does not answer a request: the words of ``Cache-Status`` and the log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """A word for each reason, explained in docs/responses.md, "Passed on"."""

    KEY = "key"
    SESSION = "session"
    RANGE = "range"
    UNDECLARED = "undeclared"
    QUERY = "query"
    PREFER = "prefer"
    ACCEPT = "accept"
    PROFILE = "profile"
    BODY = "body"
    """The arguments of a call are no JSON object, too long, or spelled in an uncertain way."""
    VOLATILE = "volatile"
    """The function may write: the database does not say that it is STABLE or IMMUTABLE."""
    SERVICE = "service"
    """The request is for another service of Supabase than its REST API."""
    METHOD = "method"
    """The request is no read."""
    OVERLOADED = "overloaded"
    UNREACHABLE = "refresher-unavailable"


@dataclass(frozen=True, slots=True)
class PassedOn:
    """Supabase must answer the request itself."""

    why: Reason
