"""What an entry is worth to a reader: fresh, aged, outdated or absent.

An entry is outdated if something that it depends on changed after its read began, which versions
tell. It has aged if it is older than its maximum age, which bounds what no change announces. These
are RFC 9111's two ways to be stale, and RFC 5861 gives each its own treatment: an aged entry is
served and renewed behind the reader's back, an outdated one only if Supabase fails.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_cache.bodies import Body
from edge_cache.entries import Entry, Metadata


@dataclass(frozen=True, slots=True)
class Terms:
    """What a reader asks of an entry.

    It must be of this ``project``, and have every change up to the version ``needed``. From
    ``max_age_s`` seconds on it has aged (None: never). ``now_ms`` is the Unix time.
    """

    project: str
    needed: int
    max_age_s: int | None
    now_ms: int


@dataclass(frozen=True, slots=True)
class Fresh:
    """It is served; ``ttl_s`` are the seconds until it has aged, if it ever does."""

    entry: Entry[Body]
    ttl_s: int | None = None


@dataclass(frozen=True, slots=True)
class Aged:
    """It is served and renewed; ``ttl_s`` is negative, or None if nobody knows its age."""

    entry: Entry[Body]
    ttl_s: int | None = None


@dataclass(frozen=True, slots=True)
class Outdated:
    """It lacks a change up to the version ``needed``, and is better than an error."""

    entry: Entry[Body]
    needed: int


@dataclass(frozen=True, slots=True)
class Absent:
    """There is nothing to serve: RFC 9211's ``fwd`` value and, if it helps, a detail."""

    fwd: str = "uri-miss"
    detail: str | None = None
    needed: int = 0


def worth_of(entry: Entry[Body], terms: Terms) -> Fresh | Aged | Outdated | Absent:
    """Return what an entry is worth on these terms."""
    if not entry.metadata.is_of(terms.project):
        return Absent(detail="another-project", needed=terms.needed)
    if not has_changes(entry.metadata, terms.needed):
        return Outdated(entry, terms.needed)
    age_s = entry.age_s(terms.now_ms)
    if terms.max_age_s is None:
        return Fresh(entry)
    ttl_s = None if age_s is None else terms.max_age_s - age_s
    return Aged(entry, ttl_s) if ttl_s is None or ttl_s < 0 else Fresh(entry, ttl_s)


def has_changes(metadata: Metadata, needed: int) -> bool:
    """Tell whether what was read has every change up to a version."""
    return metadata.version >= needed
