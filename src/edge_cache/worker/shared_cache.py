"""What a shared cache in front of the Worker may keep, and for how long. Pure.

RFC 9213 (CDN-Cache-Control, which browsers do not read) and RFC 5861 (stale answers).
"""

from __future__ import annotations

from dataclasses import replace

from edge_cache.http import Answer, Passed
from edge_cache.resources import Resource
from edge_cache.urls import Url

STALE_IF_ERROR_S = 86_400
"""For so long a shared cache may answer with what it has where the Worker fails: a day, in which
somebody notices. It has no say while the Worker answers."""

_NO_STORE = {"cdn-cache-control": "no-store"}


def directed(answer: Answer | Passed, max_age_s: int | None, url: Url) -> Answer | Passed:
    """Return the answer with what shared caches have to do with it.

    They may keep a table or row that is as new as this cache knows, asked for at ``url``, its own,
    and answer with it for ``max_age_s`` seconds (None: nothing is said, and nothing changes). What
    was passed on says ``no-store`` already.
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
    # RFC 9111, section 4.2.3: they would count it against max-age, so that what lies in KV for
    # longer would never be fresh. An entry without a newer version is as good as validated now.
    headers.pop("age", None)
    return replace(answer, headers=headers)


def tags_of(resource: Resource) -> tuple[str, str]:
    """Return the Cache-Tag of a whole table with its rows, and that of a table or row alone.

    A comma would end a tag. Written as another character it may make two rows share one; letters
    that differ in their case only do so anyway.
    """
    return resource.scope.name, resource.key.replace(",", ";")


def _is_own(url: Url, resource: Resource) -> bool:
    """Tell whether a URL is the one under which a table or row may be kept.

    Each other spelling (a query string, a slash at its end, ``%32`` for 2) would be a copy of its
    own to them. One of a deleted row would outlive the 404 that took away the others, and come back
    where the Worker fails. Of a query, nothing may be kept under any URL.
    """
    return resource.query is None and url.target == resource.path


def _lifetime(max_age_s: int) -> str:
    """Return how long an answer is fresh, and how long it may be used when it is not.

    A tenth of the time is for asking the Worker while nobody waits. It is taken from the whole, so
    that no answer is older than that, except where the Worker fails.
    """
    revalidating_s = max_age_s // 10
    directives = [f"max-age={max_age_s - revalidating_s}"]
    if revalidating_s:
        directives.append(f"stale-while-revalidate={revalidating_s}")
    return ", ".join((*directives, f"stale-if-error={STALE_IF_ERROR_S}"))
