"""What a shared cache in front of the Worker may keep, and for how long.

RFC 9213 (CDN-Cache-Control, which browsers do not read) and RFC 5861 (stale-while-revalidate and
stale-if-error).
"""

from __future__ import annotations

from dataclasses import replace

from edge_cache.messages import Answer, Passed
from edge_cache.resources import Resource
from edge_cache.urls import Url

STALE_IF_ERROR_S = 86_400
"""While the Worker fails, a shared cache may answer with what it has for a day. In that time
somebody notices. While the Worker answers, this number does nothing."""

_NO_STORE = {"cdn-cache-control": "no-store"}


def directed(answer: Answer | Passed, max_age_s: int | None, url: Url) -> Answer | Passed:
    """Return the answer with its headers for shared caches.

    They may keep a table or row for ``max_age_s`` seconds, if this cache knows of no newer state
    and ``url`` is the resource's own. They may keep nothing else. If ``max_age_s`` is None, the
    answer does not change. What was passed on says ``no-store`` already.
    """
    if max_age_s is None or isinstance(answer, Passed):
        return answer
    if answer.current is None or not _is_own(url, answer.current):
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


def tags_of(resource: Resource) -> tuple[str, str]:
    """Return two Cache-Tags: the first is the whole table's with its rows, the second its own.

    A comma would end a tag, so another character replaces it. Then two rows may share a tag. Rows
    whose ids differ in upper and lower case only share one anyway.
    """
    return resource.target.name, resource.key.replace(",", ";")


def _is_own(url: Url, resource: Resource) -> bool:
    """Return whether shared caches may keep a table or row under this URL.

    They may never keep a query. For them, each other spelling (a query string, a slash at the end,
    ``%32`` for 2) is a copy of its own. If a row is deleted, a 404 replaces the first copy, but
    another copy stays. They would serve that while the Worker fails.
    """
    return resource.query is None and url.target == resource.path


def _lifetime(max_age_s: int) -> str:
    """Return how long an answer is fresh, and how long it may be used after that.

    In the last tenth of ``max_age_s`` a shared cache asks the Worker while it still answers. No
    answer is older than ``max_age_s``, unless the Worker fails.
    """
    revalidating_s = max_age_s // 10
    directives = [f"max-age={max_age_s - revalidating_s}"]
    if revalidating_s:
        directives.append(f"stale-while-revalidate={revalidating_s}")
    return ", ".join((*directives, f"stale-if-error={STALE_IF_ERROR_S}"))
