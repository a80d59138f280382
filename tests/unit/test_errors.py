"""How each error looks as a problem, and whether an outdated entry may be served instead."""

from __future__ import annotations

import pytest

from edge_cache.errors import (
    BadPayload,
    ConfigurationError,
    EdgeCacheError,
    FinalAnswer,
    InvalidAnswer,
    LookupsExhausted,
    MethodNotAllowed,
    NotAsked,
    NotFound,
    NotPassedOn,
    NotShared,
    Overloaded,
    PayloadTooLarge,
    RefresherUnavailable,
    SecretNotConfigured,
    StillReading,
    StoreError,
    TargetNotShared,
    TornRead,
    Unauthorized,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
    Volatile,
)

SERVED_STALE = [
    (EdgeCacheError("x"), 500, "internal-error", None),
    (ConfigurationError(["x"]), 500, "configuration", None),
    (SecretNotConfigured("x"), 503, "secret-not-configured", None),
    (StoreError("x"), 503, "kv-unavailable", None),
    (RefresherUnavailable("x"), 503, "refresher-unavailable", 5),
    (UpstreamUnreachable("x"), 502, "supabase-unreachable", 5),
    (UpstreamTimeout("x"), 504, "supabase-timeout", 5),
    (UpstreamUnavailable("x"), 502, "supabase-unavailable", 5),
    (TornRead("x"), 502, "table-changing", 5),
    (StillReading("x"), 504, "supabase-slow", 5),
    (NotAsked("x"), 502, "supabase-failed-just-now", 5),
    (UpstreamRejected("x"), 502, "supabase-rejected", None),
    (InvalidAnswer("x"), 502, "supabase-invalid-answer", None),
    (Overloaded("x"), 503, "overloaded", 1),
]
NEVER_HIDDEN = [
    (BadPayload("x"), 400, "bad-payload", None),
    (PayloadTooLarge("x"), 413, "payload-too-large", None),
    (Unauthorized("x", token_was_sent=False), 401, "unauthorized", None),
    (NotFound("x"), 404, "not-found", None),
    (NotPassedOn("x"), 403, "not-passed-on", None),
    (MethodNotAllowed("PUT", "GET"), 405, "method-not-allowed", None),
    (LookupsExhausted("x"), 503, "lookups-exhausted", 1),
    (FinalAnswer("x"), 502, "supabase-rejected", None),
    (Volatile("x"), 409, "volatile", None),
    (NotShared("x"), 409, "session", None),
    (TargetNotShared("x"), 409, "session", None),
]


@pytest.mark.parametrize(
    ("error", "status", "slug", "retry_after_s"), [*SERVED_STALE, *NEVER_HIDDEN]
)
def test_each_error_is_a_problem(
    error: EdgeCacheError, status: int, slug: str, retry_after_s: int | None
) -> None:
    """docs/responses.md lists them. An operator looks for the last part of the type."""
    document = error.document()
    assert document["type"] == f"urn:supabase-edge-cache:{slug}"
    assert (document["status"], document["detail"]) == (status, error.detail)
    assert document["title"] == error.title != ""
    assert error.retry_after_s == retry_after_s
    assert str(error) == error.detail


def test_only_what_the_client_did_is_never_hidden() -> None:
    """PostgREST's final answers are not hidden either, nor is a flood of unknown rows.

    An old answer is no way out either if only Supabase may answer.
    """
    assert all(error.stale_if_error for error, *_ in SERVED_STALE)
    assert not any(error.stale_if_error for error, *_ in NEVER_HIDDEN)


def test_supabases_status_and_code_are_told_where_there_were_any() -> None:
    """A status of 0 and an empty code are shown, too."""
    bare = UpstreamRejected("x").document()
    assert "supabase_status" not in bare
    assert "code" not in bare
    told = UpstreamRejected("x", supabase_status=0, code="").document()
    assert (told["supabase_status"], told["code"]) == (0, "")


def test_every_fault_of_a_configuration_is_told() -> None:
    """The text has one sentence for each fault, and the problem lists each by itself."""
    error = ConfigurationError(["One.", "Two."])
    assert (error.detail, error.faults) == ("One. Two.", ("One.", "Two."))


def test_a_method_that_is_not_allowed_is_named() -> None:
    """The problem also lists the methods that are allowed."""
    error = MethodNotAllowed("PUT", "GET, HEAD")
    assert error.detail == "PUT is not supported here; use GET, HEAD."
    assert error.allow == "GET, HEAD"
