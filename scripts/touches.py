"""`npm run touches -- TABLE [KEY]`: says what an edit would make out of date, without making it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from shared import npm_options
from shared.asking import SECRET, add_worker, address_of, ask, not_empty
from shared.failure import run_main

UNKNOWN = (
    "Neither the declaration nor the database's catalogue has this table, so such a change makes"
    " everything out of date."
)

HOW = {
    "own": "it serves these rows",
    "shown": "some of its answers show or use them",
    "everything": "nobody knew what some of its answers read, so any change counts",
}
"""How a target depends on a table."""


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="npm run touches --",
        description=f"{__doc__} It needs {SECRET}, from the environment or .dev.vars.",
    )
    parser.add_argument("table", type=not_empty, metavar="TABLE", help="a table, or SCHEMA.TABLE")
    parser.add_argument(
        "key", type=not_empty, metavar="KEY", nargs="?", help="the key of one row; default: any"
    )
    add_worker(parser)
    return npm_options.parsed(parser, sys.argv[1:])


def words_of(told: dict[str, Any]) -> Iterator[str]:
    """Return the lines that say what the Worker told."""
    relation, kind = told["relation"], told["kind"]
    row = "any row" if told["key"] is None else f"row {told['key']}"
    if kind in {"view", "function"}:
        tables = f": {', '.join(told['reads'])}" if told["reads"] else ""
        yield f"{relation} is a {kind}. Name a table that it reads{tables}."
        return
    if not kind:
        yield UNKNOWN
    if not told["targets"]:
        yield f"No answer shows {relation}: an edit makes nothing out of date."
        return
    yield f"An edit of {row} of {relation} makes out of date, of the popular answers:"
    for name, target in told["targets"].items():
        how, paths = f" ({HOW[target['how']]})" if kind else "", target["paths"]
        yield f"{name}{how}: {'' if paths else 'none'}".rstrip()
        yield from (f"    {path}" for path in paths)
    yield "Answers that are not popular are not listed. `npm run explain` says it of a single one."
    if told["key"] is not None:
        yield "About a thousandth of the answers by other keys is read again, too."


def main() -> int:
    """Ask the Worker, and print what it tells."""
    asked = parse_arguments()
    key = {} if asked.key is None else {"key": asked.key}
    route = f"/touches?{urlencode({'table': asked.table, **key})}"
    for line in words_of(ask(address_of(route, asked.worker), "relation")):
        print(line)
    return 0


if __name__ == "__main__":
    run_main(main)
