"""`npm run purge`: makes cached answers out of date, or removes them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from urllib.parse import urlencode

from shared import npm_options
from shared.asking import (
    SECRET,
    Refused,
    add_reader,
    add_worker,
    address_of,
    ask,
    not_empty,
    reader_of,
)
from shared.failure import Failure, run_main

AGAIN = "Popular answers are read again at once, the others when somebody asks."

MANY = 500
"""So many entries are removed at a time. If there are more, it takes long."""


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="npm run purge --",
        description=f"{__doc__} It needs {SECRET}, from the environment or .dev.vars.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--table",
        type=not_empty,
        metavar="TABLE",
        help="everything that shows rows of a table, or SCHEMA.TABLE",
    )
    what.add_argument(
        "--query",
        type=not_empty,
        metavar="URL",
        help="remove the entry of one URL of the Worker, or of a path or a key",
    )
    what.add_argument(
        "--all", action="store_true", help="everything; the tables are read again at once"
    )
    parser.add_argument(
        "--remove",
        action="store_true",
        help="remove the entries of the table, view or function (or of all) from Workers KV, too",
    )
    add_reader(parser)
    add_worker(parser)
    return npm_options.parsed(parser, sys.argv[1:])


def remove(names: Iterable[str], worker: str | None) -> None:
    """Remove the entries of tables, views and functions, and say how many there were."""
    for name in names:
        removed, last = 0, ""
        while True:
            after = {"after": last} if last else {}
            route = f"/entries?{urlencode({'table': name, **after})}"
            told = ask(address_of(route, worker), "removed", method="DELETE")
            removed, last = removed + told["removed"], told["last"]
            if not last:
                break
            if removed >= MANY:
                print(f"{name}: {removed:,} so far …", flush=True)
        print(f"{name}: removed what Workers KV listed, in all {removed:,}.")
    print("Other locations may show them for a minute. Entries of the last minute may be left.")


def declared_at(worker: str | None) -> list[str]:
    """Return the names of everything that a Worker serves. Raises Failure."""
    json = {"accept": "application/json"}
    health = ask(address_of("/health", worker), "tables", headers=json)
    if health["configuration"] != "ok":
        raise Failure(f"The Worker is not configured. {' '.join(health['configuration'])}")
    return [*health["tables"], *health["project"]["serves"]]


def remove_one(asked: argparse.Namespace) -> None:
    """Remove the entry of a query, and say so."""
    address = address_of(asked.query, asked.worker, "/entry")
    told = ask(address, "removed", method="DELETE", headers=reader_of(asked))
    if not told["removed"]:
        raise Failure(f"The cache never has it: it is passed on ({told['detail']}).")
    print("The cache has no such answer any more. KV may show it elsewhere for a minute.")


def outdate(table: str, worker: str | None) -> None:
    """Make out of date what shows rows of a table, and say so."""
    route = f"/touches?{urlencode({'table': table})}"
    relation = ask(address_of(route, worker), "relation", method="POST")["relation"]
    print(f"What shows rows of {relation} is out of date. {AGAIN}")


def outdate_all(worker: str | None) -> None:
    """Make everything out of date, and say so. Raises Failure if Supabase cannot be read."""
    try:
        ask(address_of("/revalidate", worker), "received")
    except Refused as refused:
        if not refused.kind.startswith("supabase-"):
            raise
        until = "Until it can be, readers get the last good answers."
        why = f"but Supabase could not be read. {refused.detail} {until}"
        raise Failure(f"Everything is out of date, {why}") from refused
    print(f"Everything is out of date, and the tables were read again. {AGAIN}")


def main() -> int:
    """Ask the Worker to do it, and say what was done."""
    asked = parse_arguments()
    if asked.query is not None:
        remove_one(asked)
    elif asked.remove:
        names = declared_at(asked.worker) if asked.all else [asked.table]
        remove(names, asked.worker)
    elif asked.all:
        outdate_all(asked.worker)
    else:
        outdate(asked.table, asked.worker)
    return 0


if __name__ == "__main__":
    run_main(main)
