"""What a shared cache in front of the Worker may keep, and for how long.

RFC 9213 (CDN-Cache-Control, which browsers do not read), RFC 5861 (stale-while-revalidate and
stale-if-error), and RFC 9111, section 3.5 (requests with Authorization).
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from edge_cache.messages import Answer, Current, Passed
from edge_cache.queries import Query
from edge_cache.urls import Url

STALE_IF_ERROR_S = 86_400
"""While the Worker fails, a shared cache may answer with what it has for a day. In that time
somebody notices. While the Worker answers, this number does nothing."""

_NO_STORE = {"cdn-cache-control": "no-store"}


def directed(answer: Answer | Passed, max_age_s: int | None, url: Url) -> Answer | Passed:
    """Return the answer with its headers for shared caches.

    They may keep a table, a row or a query for ``max_age_s`` seconds, if this cache knows of no
    newer state. They may keep nothing else. If ``max_age_s`` is None, the answer does not change.
    What was passed on says ``no-store`` already.
    """
    if max_age_s is None or isinstance(answer, Passed):
        return answer
    if answer.current is None or not _may_be_kept(url, answer.current):
        return replace(answer, headers={**answer.headers, **_NO_STORE})
    headers = {
        **answer.headers,
        "cdn-cache-control": _lifetime(max_age_s),
        "cache-tag": ",".join(tags_of(answer.current)),
    }
    # Shared caches would subtract Age from max-age (RFC 9111, section 4.2.3), so an entry that lies
    # in KV for longer would never be fresh. If there is no newer version, it counts as read now.
    headers.pop("age", None)
    return replace(answer, headers=headers)


def tags_of(current: Current) -> tuple[str, ...]:
    """Return the Cache-Tags: the relations that the answer depends on, with its target's own.

    Before them, a table or a row has its table's name and its path. A comma would end a tag, so
    another character replaces it. Then two rows may share a tag. Rows whose ids differ in upper and
    lower case only share one anyway. A relation's name has neither commas nor spaces.

    Cloudflare takes 1,024 characters for a tag, and 1,000 tags. KV's limit for metadata keeps the
    relations far below. https://developers.cloudflare.com/workers/cache/configuration/#cache-tag
    """
    resource = current.resource
    paths = () if resource.query else (resource.target.name, resource.key.replace(",", ";"))
    return *paths, *sorted({resource.target.relation_id, *current.relations})


def _may_be_kept(url: Url, current: Current) -> bool:
    """Return whether shared caches may keep the answer under this URL.

    Of a table or a row, each other spelling (a query string, a slash at the end, ``%32`` for 2) is
    a copy of its own. If a row is deleted, a 404 replaces the first copy, but another copy stays.
    They would serve that while the Worker fails. So only the path itself may be kept.
    """
    query = current.resource.query
    return url.target == current.resource.path if query is None else _is_everybodys(query, current)


def _is_everybodys(query: Query, current: Current) -> bool:
    """Return whether shared caches may keep a query.

    Its URL does not say who asks. A cache that ignores Vary shows what it kept to readers who are
    signed in, too, so they must get the same answer from Supabase.

    Any spelling may be kept, because clients spell one query in several ways, and a row shows in
    many queries anyway. HEAD with a count has no rows, which GET under the same URL has.
    """
    is_whole = current.status == HTTPStatus.OK and not query.head
    return is_whole and current.is_shared


def _lifetime(max_age_s: int) -> str:
    """Return how long an answer is fresh, and how long it may be used after that.

    In the last tenth of ``max_age_s`` a shared cache asks the Worker while it still answers. No
    answer is older than ``max_age_s``, unless the Worker fails.
    """
    revalidating_s = max_age_s // 10
    # Without `public`, nothing may be kept that was asked for with Authorization, as clients do.
    directives = ["public", f"max-age={max_age_s - revalidating_s}"]
    if revalidating_s:
        directives.append(f"stale-while-revalidate={revalidating_s}")
    return ", ".join((*directives, f"stale-if-error={STALE_IF_ERROR_S}"))
