"""Supabase as far as tests need it that are not about Supabase: two tables in memory.

Supabase Lite takes ten seconds to start and most of a gigabyte, so only tests that ask what
Supabase itself says should need it. Whatever this does not know is an error.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from upstream import NO_FUNCTION, Handler, Server

from local import ports, stack
from local.processes import spawn
from local.supabase_project import PUBLISHABLE_KEY, SECRET_KEY
from shared.project import ROOT, SCRIPTS, environment

Row = dict[str, Any]

REST = "/rest/v1/"
DEADLINE_S = 60.0

_OBJECT = "application/vnd.pgrst.object+json"
_OF_NO_COLUMN = frozenset({"select", "order", "limit", "offset"})
_EMBEDDED = re.compile(r"(\w+):authors\((\w+)\)")
_NOT_ONE = json.dumps({"code": "PGRST116", "details": "The result contains 0 rows"}).encode()
_UNKNOWN = b'{"code":"PGRST205"}'


def start(folder: Path) -> stack.Supabase:
    """Start it in a process of its own, and return it as if it were Supabase Lite."""
    port = ports.free_port()
    process = spawn(
        "Supabase, played",
        [sys.executable, Path(__file__), str(port)],
        cwd=ROOT,
        env={**environment(), "PYTHONPATH": str(SCRIPTS)},
        log=folder / "played.log",
    )
    url = f"http://{ports.LOCALHOST}:{port}"
    process.wait_until_answering(f"{url}{REST}articles", deadline_s=DEADLINE_S)
    return stack.Supabase(url, PUBLISHABLE_KEY, SECRET_KEY, process)


class Tables:
    """The rows, by table, in the order of their ids."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, list[Row]] = {
            "articles": [],
            "authors": [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Grace"}],
        }

    def play(self, handler: Handler) -> None:
        """Answer a request."""
        url = urlsplit(handler.path)
        name, asked = url.path.removeprefix(REST), dict(parse_qsl(url.query))
        body = b"".join(handler.body)
        if name not in self._rows:
            return handler.answer(404, NO_FUNCTION if name.startswith("rpc/") else _UNKNOWN)
        with self._lock:
            if handler.command in {"GET", "HEAD"}:
                return self._read(handler, name, asked)
            self._write(handler.command, name, asked, body)
            return handler.answer(201 if handler.command == "POST" else 204)

    def _read(self, handler: Handler, name: str, asked: Mapping[str, str]) -> None:
        sees_all = handler.headers.get("apikey") == SECRET_KEY
        visible = (row for row in self._found(name, asked) if sees_all or row.get("published", 1))
        rows = [self._selected(row, asked.get("select", "*")) for row in visible]
        accepted = handler.headers.get("accept", "")
        if accepted == _OBJECT and len(rows) != 1:
            return handler.answer(406, _NOT_ONE)
        counted = "count=exact" in handler.headers.get("prefer", "")
        shown = f"0-{len(rows) - 1}" if rows else "*"
        total = str(len(rows)) if counted else "*"
        media_type = _OBJECT if accepted == _OBJECT else "application/json"
        return handler.answer(
            200,
            json.dumps(rows[0] if accepted == _OBJECT else rows).encode(),
            content_type=f"{media_type}; charset=utf-8",
            content_range=f"{shown}/{total}",
        )

    def _write(self, method: str, name: str, asked: Mapping[str, str], body: bytes) -> None:
        rows, found = self._rows[name], self._found(name, asked)
        if method == "POST":
            told = json.loads(body)
            rows += [{"author_id": None, **row} for row in told]
            rows.sort(key=lambda row: int(row["id"]))
        elif method == "DELETE":
            self._rows[name] = [row for row in rows if row not in found]
        else:
            for row in found:
                row.update(json.loads(body))

    def _found(self, name: str, asked: Mapping[str, str]) -> list[Row]:
        filters = [pair for pair in asked.items() if pair[0] not in _OF_NO_COLUMN]
        matching = [_matching(column, condition) for column, condition in filters]
        return [row for row in self._rows[name] if all(matches(row) for matches in matching)]

    def _selected(self, row: Row, select: str) -> Row:
        if select == "*":
            return row
        shown = {name: row[name] for name in _EMBEDDED.sub("", select).split(",") if name}
        return {**shown, **dict(self._embedded(row, select))}

    def _embedded(self, row: Row, select: str) -> Iterator[tuple[str, Row | None]]:
        authors = {author["id"]: author for author in self._rows["authors"]}
        for name, column in _EMBEDDED.findall(select):
            author = authors.get(row["author_id"])
            yield name, author and {column: author[column]}


def _matching(column: str, condition: str) -> Callable[[Row], bool]:
    """Return whether a row matches: an id may be asked for, or all of them."""
    operator, _, value = condition.partition(".")
    if (operator, value) == ("not", "is.null"):
        return lambda row: row[column] is not None
    if operator == "eq":
        return lambda row: str(row[column]) == value
    raise ValueError(condition)


def main() -> None:
    """Serve at a port until this process is ended."""
    server = Server("", int(sys.argv[1]))
    server.script.always = Tables().play
    server.serve_forever()


if __name__ == "__main__":
    main()
