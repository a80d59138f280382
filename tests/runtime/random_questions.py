"""Questions made at random, of the shop and of the library: reads and calls in many forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from urllib.parse import urlencode

import httpx
from clients import library, shop

DECLARED: Mapping[str, object] = {
    **shop.DECLARED,
    **{name: library.DECLARED[name] for name in ("books", "reviews", "writers", "search_books")},
}

_EMBEDDED: Mapping[str, tuple[str, ...]] = {
    "items": ("categories", "item_categories", "offers", "cart_lines"),
    "categories": ("items", "item_categories"),
    "item_categories": ("items", "categories"),
    "offers": ("items",),
    "cart_lines": ("items",),
    "books": ("reviews", "writers"),
    "reviews": ("books",),
    "writers": ("books",),
    "bargains": (),
}
"""What each relation can embed."""

_ARGUMENTS: Mapping[str, tuple[dict[str, object], ...]] = {
    "search_items": ({"query": "tea"}, {"query": "e", "at_most": 4}, {"query": "%"}),
    "cart_total": ({},),
    "search_books": ({"query": "engine"}, {"query": "owl", "most": 1}),
}
_FUNCTIONS: Mapping[str, str | None] = {
    "search_items": "items",
    "cart_total": None,
    "search_books": "books",
}
"""Whose rows each function returns."""

_FILTERS = (
    *(("id", "eq.1"), ("id", "in.(1,2,3)"), ("id", "gt.1"), ("or", "(id.eq.1,id.gt.3)")),
    *(("order", "id.desc"), ("limit", "2"), ("offset", "1")),
)
_OBJECT, _CSV = "application/vnd.pgrst.object+json", "text/csv"


@dataclass(frozen=True)
class Question:
    """A request without who asks. ``arguments`` are those of a call by POST."""

    path: str
    method: str = "GET"
    arguments: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def ask(self, http: httpx.Client, key: str, token: str | None) -> httpx.Response:
        """Ask it as somebody with the public key, and perhaps a token."""
        who = {"apikey": key, "authorization": f"Bearer {token or key}"}
        headers = {**self.headers, **who}
        return http.request(self.method, self.path, json=self.arguments, headers=headers)


class Questions:
    """Makes questions."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def question(self) -> Question:
        """Return a question. Supabase may answer it with an error."""
        headers = self._headers()
        if self._chance(0.3):
            return self._call(headers)
        relation = self._random.choice(list(_EMBEDDED))
        return Question(_path(relation, self._parameters(relation)), headers=headers)

    def _call(self, headers: dict[str, str]) -> Question:
        name, relation = self._random.choice(list(_FUNCTIONS.items()))
        arguments = self._random.choice(_ARGUMENTS[name])
        parameters = [one for one in self._parameters(relation) if one[0] != "or"]
        if self._chance(0.6):
            return Question(_path(f"rpc/{name}", parameters), "POST", arguments, headers)
        given = [(name, str(value)) for name, value in arguments.items()]
        return Question(_path(f"rpc/{name}", [*given, *parameters]), headers=headers)

    def _parameters(self, relation: str | None) -> list[tuple[str, str]]:
        if relation is None:
            return []
        chosen = self._random.sample(_FILTERS, self._random.choice([0, 1, 1, 2]))
        if relation == "item_categories":  # which has no id
            chosen = [one for one in chosen if one[0] in {"limit", "offset"}]
        return [("select", self._selected(relation, 0)), *chosen]

    def _selected(self, relation: str, depth: int) -> str:
        embedded = [
            f"{name}{self._random.choice(['', '!inner'])}({self._selected(name, depth + 1)})"
            for name in _EMBEDDED[relation]
            if depth < 2 and self._chance(0.3)
        ]
        return ",".join(["*", *embedded])

    def _headers(self) -> dict[str, str]:
        headers = {}
        if self._chance(0.2):
            headers["accept"] = self._random.choice([_OBJECT, _CSV])
        if self._chance(0.2):
            headers["prefer"] = "count=exact"
        return headers

    def _chance(self, share: float) -> bool:
        return self._random.random() < share


def _path(name: str, parameters: list[tuple[str, str]]) -> str:
    return f"/rest/v1/{name}?{urlencode(parameters)}"
