"""When each article was edited, and since when an answer lacks an edit. Pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from day.traffic import ARTICLES
from edited_articles import PAGE_ROWS


@dataclass(frozen=True)
class History:
    """The times of all commits, in seconds since midnight, and the editions as they are now."""

    times: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    editions: dict[int, int] = field(
        default_factory=lambda: dict.fromkeys(range(1, ARTICLES + 1), 0)
    )

    def edit(self, article: int, at_s: float) -> None:
        """Note an edit. Edits come in order of time."""
        self.times[article].append(at_s)
        self.editions[article] += 1

    def old_s(self, shown: Mapping[int, int], asked_s: float) -> float:
        """Return for how long an answer had been old when somebody asked; 0 if it was not.

        ``shown`` has the edition of each article in the answer.
        """
        missing = [
            self.times[article][edition]
            for article, edition in shown.items()
            if edition < len(self.times[article])
        ]
        return max(0.0, asked_s - min(missing, default=asked_s))

    def seen(self, path: str, at_s: float) -> dict[int, int]:
        """Return the edition of each article in the answer that was read at a time."""
        return {one: bisect_right(self.times[one], at_s) for one in articles_of(path)}


def articles_of(path: str) -> range:
    """Return the articles that a page shows."""
    query = dict(parse_qsl(urlsplit(path).query))
    if "offset" in query:
        first = int(query["offset"]) + 1
        return range(first, min(first + PAGE_ROWS, ARTICLES + 1))
    named = query["id"] if "id" in query else query["slug"]
    article = int(named.removeprefix("eq.").removeprefix("article-"))
    return range(article, article + 1)
