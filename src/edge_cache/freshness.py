"""What an entry is worth to a reader: fresh, aged, outdated or absent.

An entry is outdated if something that it depends on changed after its read began. Versions show
that. An entry is aged if it is older than its maximum age. Because some changes are never
announced, the maximum age limits how long an entry can miss them.

RFC 9111 calls both stale, and RFC 5861 treats them differently. If an entry is aged, the reader
gets it, and it is renewed in the background (stale-while-revalidate). If an entry is outdated, the
reader gets it only if Supabase fails (stale-if-error).
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_cache.bodies import Body
from edge_cache.entries import Entry, Metadata
from edge_cache.versions import Published, Versions


@dataclass(frozen=True, slots=True)
class Terms:
    """What a reader expects of an entry.

    It must come from this ``project``, and have every change that the ``published`` versions name
    for what it depends on. If it is older than ``max_age_s`` seconds, it is aged (None: never).
    ``now_ms`` is the Unix time.
    """

    project: str
    published: Published
    max_age_s: int | None
    now_ms: int


@dataclass(frozen=True, slots=True)
class Fresh:
    """The reader gets it. ``ttl_s`` is the number of seconds until it is aged (None: never)."""

    entry: Entry[Body]
    ttl_s: int | None = None


@dataclass(frozen=True, slots=True)
class Aged:
    """The reader gets it, and it is renewed. ``ttl_s`` is below 0, or None (age unknown)."""

    entry: Entry[Body]
    ttl_s: int | None = None


@dataclass(frozen=True, slots=True)
class Outdated:
    """It lacks a change of something that it depends on. It is still better than an error."""

    entry: Entry[Body]


@dataclass(frozen=True, slots=True)
class Absent:
    """There is nothing to serve. ``fwd`` is RFC 9211's value, and ``detail`` says more."""

    fwd: str = "uri-miss"
    detail: str | None = None


def worth_of(entry: Entry[Body], terms: Terms) -> Fresh | Aged | Outdated | Absent:
    """Return what an entry is worth on these terms."""
    if not entry.metadata.is_of(terms.project):
        return Absent(detail="another-project")
    if is_outdated(entry.metadata, terms.published):
        return Outdated(entry)
    age_s = entry.age_s(terms.now_ms)
    if terms.max_age_s is None:
        return Fresh(entry)
    ttl_s = None if age_s is None else terms.max_age_s - age_s
    return Aged(entry, ttl_s) if ttl_s is None or ttl_s < 0 else Fresh(entry, ttl_s)


def is_outdated(metadata: Metadata, versions: Published | Versions) -> bool:
    """Return whether something that an answer depends on changed after its read began."""
    needed = versions.needed(metadata.relations, metadata.buckets)
    return metadata.is_earlier or metadata.version < needed
