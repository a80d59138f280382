"""`npm run purge`: makes cached answers out of date, or removes them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from urllib.parse import urlencode

from shared.asking import HEADER, HEADER_OPTIONS, LOCAL, SECRET, address_of, ask, headers_in
from shared.failure import Failure, run_main

PUBLIC = "public"

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
        "--table", metavar="TABLE", help="everything that shows rows of a table, or SCHEMA.TABLE"
    )
    what.add_argument(
        "--query", metavar="URL", help="remove the entry of one URL of the Worker, or of a path"
    )
    what.add_argument(
        "--all", action="store_true", help="everything; the tables are read again at once"
    )
    parser.add_argument(
        "--remove",
        action="store_true",
        help="remove the entries of the table, view or function (or of all) from Workers KV, too",
    )
    parser.add_argument(*HEADER, **HEADER_OPTIONS)
    parser.add_argument("--worker", metavar="ADDRESS", help=f"the Worker's; default: {LOCAL}")
    return parser.parse_args()


def truncated(table: str) -> dict[str, str]:
    """Return the webhook that says that any row of a table may have changed."""
    schema, dot, name = table.partition(".")
    names = (schema, name) if dot else (PUBLIC, table)
    return {"type": "TRUNCATE", "schema": names[0], "table": names[1]}


def remove(names: Iterable[str], worker: str | None) -> None:
    """Remove the entries of tables, views and functions, and say how many there were."""
    for name in names:
        removed, last = 0, ""
        while True:
            after = {"after": last} if last else {}
            route = f"/entries?{urlencode({'table': name, **after})}"
            told = ask(address_of(route, worker), method="DELETE")
            removed, last = removed + told["removed"], told["last"]
            if not last:
                break
            if removed >= MANY:
                print(f"{name}: {removed:,} so far …", flush=True)
        print(f"{name}: removed what Workers KV listed, in all {removed:,}.")
    print("Other locations may show them for a minute. Entries of the last minute may be left.")


def declared_at(worker: str | None) -> list[str]:
    """Return the names of everything that a Worker serves."""
    health = ask(address_of("/health", worker), headers={"accept": "application/json"})
    return [*health["tables"], *health["project"]["serves"]]


def main() -> int:
    """Ask the Worker to do it, and say what was done."""
    asked = parse_arguments()
    if asked.remove and not asked.query:
        remove([asked.table] if asked.table else declared_at(asked.worker), asked.worker)
        return 0
    if asked.query:
        address = address_of(asked.query, asked.worker, "/entry")
        told = ask(address, method="DELETE", headers=headers_in(asked.header))
        if "removed" not in told:
            raise Failure(f"The cache never has it: it is passed on ({told['detail']}).")
        print("Removed. KV may show it at other locations for a minute.")
    elif asked.table:
        hook = address_of("/revalidate", asked.worker)
        ask(hook, method="POST", body=truncated(asked.table))
        print(f"What shows rows of {asked.table} is out of date. It is read again when asked for.")
    else:
        ask(address_of("/revalidate", asked.worker))
        print("Everything is out of date, and the tables were read again.")
    return 0


if __name__ == "__main__":
    run_main(main)
