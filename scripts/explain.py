"""`npm run explain -- URL`: says what a reader of the Worker would get there, and why."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from shared import npm_options
from shared.asking import SECRET, add_reader, add_worker, address_of, ask, not_empty, reader_of
from shared.failure import run_main

_PASSED_ON = "passed on"

_MEANINGS = {
    "fresh": "The cache answers, and asks nobody.",
    "aged": "The cache answers, and reads the answer again in the background.",
    "outdated": (
        "The next reader gets Supabase's new answer, or this one if Supabase is slow or down."
    ),
    "absent": "The next reader gets Supabase's answer, and the cache keeps it if it is a success.",
    _PASSED_ON: "Supabase answers, and the cache keeps nothing.",
    "refused": 'The reader gets a 403, because PASS_THROUGH is "off".',
}

WHY = {
    "key": "apikey is missing, in the query string, or not the public key",
    "session": (
        "the reader is signed in, and nobody has proven that they get the same as everybody else;"
        " or the token has expired or is odd"
    ),
    "range": "there is a Range header",
    "undeclared": (
        "src/tables.toml does not declare it in this schema, or the path has other characters than"
        " ASCII letters, digits, _ and -"
    ),
    "query": (
        "the query string has a raw ;, a broken escape, no UTF-8, a part without =, an apikey, or"
        " over 16 KiB"
    ),
    "prefer": "Prefer has something that may change the answer, besides one count",
    "accept": "Accept has a type that is not kept, several with weights, or other parameters",
    "profile": "Accept-Profile is no name of a schema",
    "body": "the call's body is no JSON object of up to 8 KiB, or has a member twice",
    "volatile": "the database does not say that the function is STABLE or IMMUTABLE",
    "service": "it is for another service of Supabase than its REST API",
    "method": "it is no read, and no call of a declared function",
    "overloaded": "a hundred misses wait already",
    "refresher-unavailable": "the Durable Object cannot be reached",
}
"""Why a request is passed on, by the Worker's word. docs/responses.md says it more exactly."""

_SIGNED_IN = {
    "same": "get the same answer as everybody else",
    _PASSED_ON: "are passed on (session), because nobody proved that they get the same",
    "undecided": "get the same if the database proves it when it is asked; else they are passed on",
}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="npm run explain --",
        description=f"{__doc__} It needs {SECRET}, from the environment or .dev.vars.",
    )
    parser.add_argument(
        "url", type=not_empty, help="a URL of the Worker, a path such as /articles/1, or a key"
    )
    parser.add_argument(
        "--session", action="store_true", help="the reader has a valid token of a session"
    )
    add_reader(parser)
    add_worker(parser)
    return npm_options.parsed(parser, sys.argv[1:])


def words_of(told: dict[str, Any], *, has_session: bool = False) -> Iterator[str]:
    """Return the lines that say what the Worker told."""
    worth, detail = told["worth"], told.get("detail")
    if has_session and told.get("signed_in") == _PASSED_ON:
        worth, detail = _PASSED_ON, "session"
    reason = f" ({detail})" if detail else ""
    yield f"{worth}{reason}: {_MEANINGS[worth]}"
    if detail in WHY:
        yield f"why         {WHY[detail]}"
    if "key" not in told:
        return
    yield f"signed in   Readers {_SIGNED_IN[told['signed_in']]}."
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


def main() -> int:
    """Ask the Worker, and print what it tells."""
    asked = parse_arguments()
    address = address_of(asked.url, asked.worker, "/entry")
    told = ask(address, "worth", headers=reader_of(asked))
    for line in words_of(told, has_session=asked.session):
        print(line)
    return 0


if __name__ == "__main__":
    run_main(main)
