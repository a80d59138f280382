"""`npm run explain -- URL`: says what a reader of the Worker would get there, and why."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from shared.asking import HEADER, HEADER_OPTIONS, LOCAL, SECRET, address_of, ask, headers_in
from shared.failure import run_main

_MEANINGS = {
    "fresh": "The cache answers, and asks nobody.",
    "aged": "The cache answers, and reads the answer again in the background.",
    "outdated": "The next reader gets Supabase's new answer, or this one if Supabase is slow.",
    "absent": "The next reader gets Supabase's answer, and the cache keeps it.",
    "passed on": "Supabase answers. docs/responses.md explains the reason.",
}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="npm run explain --",
        description=f"{__doc__} It needs {SECRET}, from the environment or .dev.vars.",
    )
    parser.add_argument("url", help="a URL of the Worker, or a path, such as /articles/1")
    parser.add_argument("--worker", metavar="ADDRESS", help=f"the Worker's; default: {LOCAL}")
    parser.add_argument(*HEADER, **HEADER_OPTIONS)
    return parser.parse_args()


def words_of(told: dict[str, Any]) -> Iterator[str]:
    """Return the lines that say what the Worker told."""
    worth, detail = told["worth"], told.get("detail")
    reason = f" ({detail})" if detail else ""
    yield f"{worth}{reason}: {_MEANINGS[worth]}"
    if "key" not in told:
        return
    yield f"target      {told['target']}"
    yield f"KV key      {told['key']}"
    yield f"in the log  {told['logged_as']}"
    entry = told["entry"]
    if entry is None:
        return
    yield f"depends on  {', '.join(entry['depends_on']) or 'nothing'}"
    for name, number in told["outdated_by"].items():
        yield f"changed     {name}: change {number}, but it was read at {entry['version']}"
    most = entry["maximum_age"]
    yield f"age         {entry['age']} s of at most {'any' if most is None else f'{most} s'}"
    yield f"body        {entry['bytes']} bytes, status {entry['status']}"
    yield f"signed in   {'share it' if entry['is_shared'] else 'get their own'}"


def main() -> int:
    """Ask the Worker, and print what it tells."""
    asked = parse_arguments()
    address = address_of(asked.url, asked.worker, "/entry")
    for line in words_of(ask(address, headers=headers_in(asked.header))):
        print(line)
    return 0


if __name__ == "__main__":
    run_main(main)
