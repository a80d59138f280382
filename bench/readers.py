"""What the readers of `edits` got: each answer is checked, and may be a hit, or old. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from edited_articles import Articles, is_answer, is_older
from load import Reply
from shared.failure import Failure

LATE_S = 3.0
"""An answer is old if it lacks an edit that was made longer than this before the reader asked."""

_HIT = re.compile(r";\s*hit\b")

_MARKED = re.compile(r"fwd=stale.*; detail=|; detail=supabase-failed-just-now")
"""Ours says so if Supabase is slow or failed, so that the reader got an outdated answer."""


@dataclass(frozen=True)
class Shares:
    """Of all answers, the share of hits and the share of old ones."""

    hits: float
    old: float


def shares_of_ours(articles: Articles, paths: Sequence[str], replies: Sequence[Reply]) -> Shares:
    """Return what our readers got. Raises Failure if an answer is old and does not say so."""
    old = 0
    for path, reply in zip(paths, replies, strict=True):
        is_old = _is_old(articles, path, reply)
        if is_old and not _MARKED.search(reply.cache_status):
            raise _wrong(path, reply, f"It is older than {LATE_S:g} s")
        old += is_old
    hits = sum(bool(_HIT.search(reply.cache_status)) for reply in replies)
    return Shares(hits / len(replies), old / len(replies))


def shares_of_lesson(
    articles: Articles, paths: Sequence[str], replies: Sequence[Reply], asked: int
) -> Shares:
    """Return what the lesson's readers got. Its answers do not say whether they are hits.

    So an answer counts as a hit if Supabase was not ``asked`` for it.
    """
    old = sum(_is_old(articles, *one) for one in zip(paths, replies, strict=True))
    return Shares(1 - asked / len(replies), old / len(replies))


def _is_old(articles: Articles, path: str, reply: Reply) -> bool:
    """Return whether an answer is old. Raises Failure if Supabase never answered so."""
    body, query = reply.body.encode(), dict(parse_qsl(urlsplit(path).query))
    if reply.status != HTTPStatus.OK or not is_answer(body, query, articles.editions()):
        raise _wrong(path, reply, "Supabase never answered this")
    return is_older(body, articles.editions(reply.asked_at - LATE_S))


def _wrong(path: str, reply: Reply, why: str) -> Failure:
    shown = f"status {reply.status}, {reply.cache_status}: {reply.body[:300]}"
    return Failure(f"A wrong answer to {path}. {why}: {shown}")
