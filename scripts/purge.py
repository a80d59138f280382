"""`npm run purge`: makes cached answers out of date, or removes one."""

from __future__ import annotations

import argparse

from shared.asking import LOCAL, SECRET, address_of, ask
from shared.failure import run_main

PUBLIC = "public"


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
    parser.add_argument("--worker", metavar="ADDRESS", help=f"the Worker's; default: {LOCAL}")
    return parser.parse_args()


def truncated(table: str) -> dict[str, str]:
    """Return the webhook that says that any row of a table may have changed."""
    schema, dot, name = table.partition(".")
    names = (schema, name) if dot else (PUBLIC, table)
    return {"type": "TRUNCATE", "schema": names[0], "table": names[1]}


def main() -> int:
    """Ask the Worker to do it, and say what was done."""
    asked = parse_arguments()
    if asked.query:
        ask(address_of(asked.query, asked.worker, "/entry"), method="DELETE")
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
