"""The Worker's variables, checked once.

One check finds all faults. A fault names the variable and says what it should be. It never quotes
a value, because that may be a key.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from edge_cache.entries import digest_of
from edge_cache.errors import ConfigurationError
from edge_cache.tables import DEFAULT, Declared, declared_from

DEFAULT_TIMEOUT_S = 10.0
MAX_TIMEOUT_S = 60.0
DEFAULT_QUERY_MAX_AGE_S = 300

LOCATION_HINTS = ("afr", "apac", "eeur", "enam", "me", "oc", "sam", "weur", "wnam")
"""https://developers.cloudflare.com/durable-objects/reference/data-location/#provide-a-location-hint"""

_SECONDS = re.compile(r"[0-9]{1,9}")
_REPLICA = re.compile(r"[a-z]{20}-(?:all|rr-[a-z0-9-]+)\.supabase\.co")
"""The host of a read replica, or of the load balancer in front of the replicas.
https://supabase.com/docs/guides/platform/read-replicas"""

_JWT = re.compile(r"ey[^.]*\.[^.]*\.[^.]*")


class PassThrough(StrEnum):
    """Which requests the Worker passes on to Supabase if the cache does not answer them."""

    OFF = "off"
    REST = "rest"
    ALL = "all"


class LogHits(StrEnum):
    """Which hits the log has. Everything else is always logged."""

    ALL = "all"
    SAMPLED = "sampled"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked configuration. ``repr`` shows no key.

    - ``supabase_url`` has no trailing slash.
    - ``timeout_s`` bounds one refresh, retries included.
    - Entries of tables and rows are aged after ``max_age_s`` (None: never), queries' entries after
      ``query_max_age_s``.
    - A shared cache may answer by itself for ``shared_max_age_s`` (None: not at all).
    - While the operator replaces ``revalidate_secret``, ``previous_secret`` is valid too.
    - If ``has_page`` is false, people see no page.
    - If ``counts`` is false, nothing is counted.
    - If ``logs_queries`` is true, the log has queries as they are.
    - If ``traces_fills`` is true, Supabase gets the ``traceparent`` of a reader who waits for it.
    - New objects are placed near ``location_hint``, one of `LOCATION_HINTS` (None: anywhere).
    """

    supabase_url: str
    anon_key: str = field(repr=False)
    timeout_s: float = DEFAULT_TIMEOUT_S
    max_age_s: int | None = None
    revalidate_secret: str | None = field(default=None, repr=False)
    query_max_age_s: int = DEFAULT_QUERY_MAX_AGE_S
    declared: Declared = DEFAULT
    pass_through: PassThrough = PassThrough.REST
    previous_secret: str | None = field(default=None, repr=False)
    shared_max_age_s: int | None = None
    has_page: bool = True
    location_hint: str | None = None
    counts: bool = True
    log_hits: LogHits = LogHits.SAMPLED
    logs_queries: bool = False
    traces_fills: bool = False

    @property
    def project(self) -> str:
        """A digest of the project's address. Each entry names the project that it came from."""
        return digest_of(self.supabase_url.lower().encode(), 6)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret and, while the operator replaces it, the previous one.

        If there is no secret, the previous one does not count either.
        """
        if not self.revalidate_secret:
            return ()
        return tuple(filter(None, (self.revalidate_secret, self.previous_secret)))


def settings_from(
    variable: Callable[[str], str | None],
    has: Callable[[str, str], bool],
    tables: str | None = None,
) -> Settings:
    """Read and check the variables and bindings.

    ``variable`` returns a variable's text or None. ``has`` returns whether a binding has a method.
    ``tables`` is the text of ``src/tables.toml``, if there is one. Raises ConfigurationError with
    all faults.
    """
    url = variable("SUPABASE_URL") or ""
    key = variable("SUPABASE_ANON_KEY") or ""
    timeout = variable("SUPABASE_TIMEOUT_SECONDS") or ""
    max_age = variable("MAX_AGE_SECONDS") or ""
    query_max_age = variable("QUERY_MAX_AGE_SECONDS") or ""
    shared_max_age = variable("SHARED_MAX_AGE_SECONDS") or ""
    page = variable("STATUS_PAGE") or "on"
    counters = variable("COUNTERS") or "on"
    log_hits = variable("LOG_HITS") or LogHits.SAMPLED
    log_queries = variable("LOG_QUERIES") or "off"
    trace_fills = variable("TRACE_FILLS") or "off"
    hint = variable("OBJECTS_LOCATION_HINT") or None
    declared, declaration_faults = _declared(variable("TABLES"), tables)
    pass_through = variable("PASS_THROUGH") or PassThrough.REST
    possible = (
        _url_fault(url),
        _key_fault(key),
        None if has("ARTICLES", "getWithMetadata") else _KV_FAULT,
        None if has("REFRESHER", "getByName") else _REFRESHER_FAULT,
        _timeout_fault(timeout),
        _max_age_fault("MAX_AGE_SECONDS", max_age),
        _max_age_fault("QUERY_MAX_AGE_SECONDS", query_max_age),
        _max_age_fault("SHARED_MAX_AGE_SECONDS", shared_max_age),
        *declaration_faults,
        None if pass_through in set(PassThrough) else _MODE_FAULT,
        None if hint in {None, *LOCATION_HINTS} else _HINT_FAULT,
        None if page in _SWITCH else "STATUS_PAGE is malformed: it should be on or off.",
        None if log_hits in set(LogHits) else _LOG_HITS_FAULT,
        None if log_queries in _SWITCH else "LOG_QUERIES is malformed: it should be on or off.",
        None if trace_fills in _SWITCH else "TRACE_FILLS is malformed: it should be on or off.",
        None if counters in _SWITCH else "COUNTERS is malformed: it should be on or off.",
    )
    faults = [fault for fault in possible if fault]
    if faults:
        raise ConfigurationError(faults)
    return Settings(
        url.rstrip("/"),
        key,
        timeout_s=float(timeout) if timeout else DEFAULT_TIMEOUT_S,
        max_age_s=int(max_age) if max_age else None,
        revalidate_secret=_secret(variable("REVALIDATE_SECRET")),
        query_max_age_s=int(query_max_age) if query_max_age else DEFAULT_QUERY_MAX_AGE_S,
        declared=declared,
        pass_through=PassThrough(pass_through),
        previous_secret=_secret(variable("REVALIDATE_SECRET_PREVIOUS")),
        shared_max_age_s=int(shared_max_age) if shared_max_age else None,
        has_page=page == "on",
        location_hint=hint,
        counts=counters == "on",
        log_hits=LogHits(log_hits),
        logs_queries=log_queries == "on",
        traces_fills=trace_fills == "on",
    )


_LOG_HITS_FAULT = "LOG_HITS is malformed: it should be all, sampled or none."

_SWITCH = frozenset({"on", "off"})

_KV_FAULT = (
    "ARTICLES is not bound: it should be a KV namespace, declared in wrangler.toml under "
    "[[kv_namespaces]]."
)
_REFRESHER_FAULT = (
    "REFRESHER is not bound: it should be the Durable Object class Refresher, declared in "
    "wrangler.toml under [[durable_objects.bindings]]."
)
_HINT_FAULT = (
    "OBJECTS_LOCATION_HINT is malformed: it should be one of Cloudflare's location hints, "
    f"{', '.join(LOCATION_HINTS)}."
)
_MODE_FAULT = (
    "PASS_THROUGH is malformed: it should be rest (requests under /rest/v1/ that the cache does "
    "not answer go to Supabase), all (requests to Supabase's other services too) or off."
)


def _secret(text: str | None) -> str | None:
    """Return a secret without spaces around it, because a header loses those. None if empty."""
    return (text or "").strip() or None


def _declared(variable: str | None, file: str | None) -> tuple[Declared, list[str]]:
    """Return what is declared, and the faults of the declaration."""
    try:
        return declared_from(variable, file), []
    except ConfigurationError as error:
        return DEFAULT, list(error.faults)


def _url_fault(url: str) -> str | None:
    expected = "it should be your project's URL, such as https://abcdefgh.supabase.co."
    if not url:
        return f"SUPABASE_URL is missing: {expected}"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # .port raises if the port is malformed
    except ValueError:
        return f"SUPABASE_URL is malformed: {expected}"
    if parts.scheme not in {"http", "https"} or not host or not _is_header_safe(url):
        return f"SUPABASE_URL is malformed: {expected}"
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc:
        return f"SUPABASE_URL has more than a host in it: {expected}"
    if _REPLICA.fullmatch(host):
        return (
            "SUPABASE_URL names a read replica, or the load balancer in front of them, which show "
            f"a change late: {expected}"
        )
    return None


def _key_fault(key: str) -> str | None:
    expected = (
        "it should be the project's publishable key (sb_publishable_…) or its legacy anon key "
        "(a JWT, ey…)."
    )
    if not key:
        return f"SUPABASE_ANON_KEY is missing: {expected}"
    if key.startswith("sb_secret_") or _jwt_role(key) == "service_role":
        return (
            "SUPABASE_ANON_KEY holds a secret key, which bypasses row level security and would "
            f"publish every row: {expected}"
        )
    known = key.startswith("sb_publishable_") or _JWT.fullmatch(key)
    if not known or not _is_header_safe(key):
        return f"SUPABASE_ANON_KEY is malformed: {expected}"
    return None


def _timeout_fault(timeout: str) -> str | None:
    if not timeout:
        return None
    expected = f"it should be a number of seconds above 0 and up to {MAX_TIMEOUT_S:.0f}."
    try:
        valid = 0 < float(timeout) <= MAX_TIMEOUT_S
    except ValueError:
        valid = False
    return None if valid else f"SUPABASE_TIMEOUT_SECONDS is malformed: {expected}"


def _max_age_fault(name: str, max_age: str) -> str | None:
    if not max_age or (_SECONDS.fullmatch(max_age) and int(max_age) > 0):
        return None
    return f"{name} is malformed: it should be a whole number of seconds above 0, up to 9 digits."


def _is_header_safe(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _jwt_role(key: str) -> str | None:
    """Return the ``role`` claim of a legacy key, without verifying it."""
    payload = key.partition(".")[2].partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["role"])
    except (binascii.Error, ValueError, TypeError, KeyError):
        return None
