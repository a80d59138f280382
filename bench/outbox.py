"""The outbox and the catalogue, which the script of `npm run sql` installs in a database. Pure.

They answer as the functions `edge_cache_changes` and `edge_cache_catalogue` do.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

ARTICLES, AUTHORS, COMMENTS, VIEW = "articles", "authors", "comments", "recent"

TABLES: Mapping[str, object] = {
    ARTICLES: {},
    AUTHORS: {"watch": True},
    COMMENTS: {"watch": True},
    VIEW: {"view": True},
}
"""What the Worker declares."""

Json = dict[str, object]

_LIFE = "the-only-one"
"""Stands for the database's identity, with which a cursor begins."""


def _named(name: str) -> list[str]:
    return ["public", name]


_BY_ID: Json = {"column": "id", "type": "int8", "of": _named(ARTICLES)}


def _relation(name: str, key: Json | None = None, *, view: bool = False) -> Json:
    of_it: Json = {"schema": "public", "name": name, "reads": [], "computed": []}
    return {**of_it, "key": key, "view": view}


def _foreign_key(source: str, column: str, target: str) -> Json:
    ends: Json = {"from": _named(source), "to": _named(target)}
    return {"name": f"{source}_{column}_fkey", "columns": [column], "to_columns": ["id"], **ends}


_CATALOGUE: Json = {
    "relations": [
        _relation(ARTICLES, _BY_ID),
        _relation(AUTHORS),
        _relation(COMMENTS),
        _relation(VIEW, _BY_ID, view=True),
    ],
    "foreign_keys": [
        _foreign_key(ARTICLES, "author_id", AUTHORS),
        _foreign_key(COMMENTS, "article_id", ARTICLES),
    ],
    "functions": [],
}
_FINGERPRINT = hashlib.sha256(json.dumps(_CATALOGUE).encode()).hexdigest()


@dataclass(frozen=True)
class Outbox:
    """The changes, in their order."""

    noted: list[Json] = field(default_factory=list)

    def note(self, table: str, article: int | None = None) -> None:
        """Note a change as a trigger does. A table that is only watched has no keys."""
        keys: Json = (
            {"key": None, "keys": None} if article is None else {"key": "id", "keys": [article]}
        )
        self.noted.append({"id": len(self.noted), "schema": "public", "table": table, **keys})

    def note_schema(self) -> None:
        """Note a change of the schema as the event trigger does."""
        told = {"schema": "edge_cache", "table": "catalogue", "key": None, "keys": None}
        self.noted.append({"id": len(self.noted), **told})

    def changes(self, asked: Mapping[str, str | None]) -> Json:
        """Answer as `edge_cache_changes` does. A cursor is the number of changes."""
        life, _, seen = (asked["after"] or "").partition(" ")
        is_known, count = life == _LIFE, len(self.noted)
        return {
            "cursor": f"{_LIFE} {count}",
            "complete": is_known,
            "changes": self.noted[int(seen) : count] if is_known else [],
            "watched": [_named(table) for table in (ARTICLES, AUTHORS, COMMENTS)],
        }


def catalogue(asked: Mapping[str, str | None]) -> Json:
    """Answer as `edge_cache_catalogue` does."""
    is_known = asked["known"] == _FINGERPRINT
    return {"fingerprint": _FINGERPRINT, **({} if is_known else _CATALOGUE)}


def proven_catalogue(schema: int, known: str | None) -> Json:
    """Answer as `edge_cache_catalogue` does if everybody gets the same of all relations.

    ``schema`` says how often the schema was changed.
    """
    fingerprint = f"{_FINGERPRINT}-{schema}"
    if known == fingerprint:
        return {"fingerprint": fingerprint}
    relations = _CATALOGUE["relations"]
    assert isinstance(relations, list)  # noqa: S101 - it is made so above
    proven = [{**one, "differs": None} for one in relations]
    return {**_CATALOGUE, "fingerprint": fingerprint, "relations": proven}
