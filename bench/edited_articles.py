"""Articles that are edited while they are read, and what Supabase answers about them. Pure.

A title names the article's edition, so an answer shows which edits it has.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

ARTICLES, AUTHORS = 100, 10

PAGE_ROWS = 10
"""A list has this many rows."""

IDS = range(1, ARTICLES + 1)

Editions = Mapping[int, int]
"""How often each article was edited, by its id."""

_BODY = (
    "An article of some length, which its readers read more often than its editors edit it. " * 3
)
_EMBEDDING = "title,author:authors(name)"
_TITLE = "Article {}, edition {}"
_TITLES = re.compile(rb'"Article (\d+), edition (\d+)"')


@dataclass(frozen=True)
class Kind:
    """A kind of read, with the numbers that the placeholder in its path stands for.

    ``is_by_id`` says whether a read names the only article that it shows by its primary key.
    """

    name: str
    path: str
    numbers: Sequence[int]
    is_by_id: bool = False

    @property
    def paths(self) -> list[str]:
        """The path of each read."""
        return [f"/rest/v1/{self.path.format(number)}" for number in self.numbers]


KINDS = (
    Kind("by id", "articles?id=eq.{}", IDS, is_by_id=True),
    Kind("by slug", "articles?slug=eq.article-{}", IDS),
    Kind("by id, embedding", f"articles?select={_EMBEDDING}&id=eq.{{}}", IDS, is_by_id=True),
    Kind(
        "list, embedding",
        f"articles?select={_EMBEDDING}&order=id&limit={PAGE_ROWS}&offset={{}}",
        range(0, ARTICLES, PAGE_ROWS),
    ),
    Kind("view by id", "recent?id=eq.{}", IDS, is_by_id=True),
)


@dataclass(frozen=True)
class Articles:
    """When each article was edited, as Unix times in seconds."""

    edited_at: Mapping[int, list[float]] = field(default_factory=lambda: {i: [] for i in IDS})

    def edit(self, article: int, at: float) -> None:
        """Edit an article."""
        self.edited_at[article].append(at)

    def editions(self, at: float = inf) -> dict[int, int]:
        """Return what the articles' editions were at a time."""
        return {article: bisect_right(times, at) for article, times in self.edited_at.items()}


def answer(query: Mapping[str, str], editions: Editions) -> tuple[bytes, int]:
    """Return PostgREST's answer to a query's parameters, and how many rows it has."""
    select = query.get("select", "*")
    rows = [_row(article, editions[article], select) for article in _articles(query, len(editions))]
    return json.dumps(rows, separators=(",", ":")).encode(), len(rows)


def is_answer(body: bytes, query: Mapping[str, str], editions: Editions) -> bool:
    """Return whether a body was the answer to a query once: its editions may be lower by now."""
    shown = shown_in(body)
    exist = all(edition <= editions.get(article, -1) for article, edition in shown.items())
    return exist and body == answer(query, {**editions, **shown})[0]


def is_older(body: bytes, editions: Editions) -> bool:
    """Return whether an answer lacks an edit that these editions have."""
    return any(edition < editions[article] for article, edition in shown_in(body).items())


def row(article: int, editions: Editions) -> dict[str, object]:
    """Return an article with all its columns."""
    return _row(article, editions[article], "*")


def shown_in(body: bytes) -> dict[int, int]:
    """Return the editions that an answer shows."""
    return {int(article): int(edition) for article, edition in _TITLES.findall(body)}


def _articles(query: Mapping[str, str], count: int) -> Sequence[int]:
    if "id" in query:
        return [int(query["id"].removeprefix("eq."))]
    if "slug" in query:
        return [int(query["slug"].removeprefix("eq.article-"))]
    first = int(query.get("offset", 0))
    return range(1, count + 1)[first : first + int(query.get("limit", count))]


def _row(article: int, edition: int, select: str) -> dict[str, object]:
    title, author = _TITLE.format(article, edition), article % AUTHORS + 1
    if select == _EMBEDDING:
        return {"title": title, "author": {"name": f"Author {author}"}}
    slug = f"article-{article}"
    return {"id": article, "slug": slug, "title": title, "body": _BODY, "author_id": author}
