"""`npm run explain -- URL`: says what a reader of the Worker would get there, and why."""

from __future__ import annotations

import argparse
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from local.supabase_project import REVALIDATE_SECRET
from shared import variables
from shared.failure import Failure, run_main
from shared.project import ROOT

LOCAL = "http://localhost:8787"
TIMEOUT_S = 30.0

_SECRET = "REVALIDATE_SECRET"  # noqa: S105  its name

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
        description=f"{__doc__} It needs {_SECRET}, from the environment or .dev.vars.",
    )
    parser.add_argument("url", help="a URL of the Worker, or a path, such as /articles/1")
    parser.add_argument("--worker", metavar="ADDRESS", help=f"the Worker's; default: {LOCAL}")
    parser.add_argument(
        *("--header", "-H"),
        metavar="'NAME: VALUE'",
        action="append",
        default=[],
        help="a header of the reader's, such as 'prefer: count=exact'; default: the public key's",
    )
    return parser.parse_args()


def address_of(url: str, worker: str | None) -> str:
    """Return the address at which the Worker explains a URL or a path."""
    parts = urlsplit(url)
    own = f"{parts.scheme}://{parts.netloc}" if parts.netloc else LOCAL
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return f"{(worker or own).rstrip('/')}/explain{target}"


def headers_in(given: list[str]) -> dict[str, str]:
    """Return the headers of the command line by their names. Raises Failure."""
    headers = {}
    for header in given:
        name, colon, value = header.partition(":")
        if not colon or name.strip().lower() == "authorization":
            raise Failure("A header is written as 'NAME: VALUE', and is not that of a session.")
        headers[name.strip()] = value.strip()
    return headers


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


def ask(address: str, headers: dict[str, str]) -> dict[str, Any]:
    """Return what the Worker tells. Raises Failure."""
    request = urllib.request.Request(address, headers=headers)  # noqa: S310  the user's own
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310  as above
            told: dict[str, Any] = json.load(answer)
            return told
    except urllib.error.HTTPError as error:
        said = json.loads(error.read() or b"{}").get("detail", "")
        raise Failure(f"{address} answers {error.code}. {said}".strip()) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", error)
        raise Failure(f"{address} does not answer: {why}. Does the Worker run?") from error


def main() -> int:
    """Ask the Worker, and print what it tells."""
    asked = parse_arguments()
    address = address_of(asked.url, asked.worker)
    is_local = urlsplit(address).hostname in {"localhost", "127.0.0.1"}
    default = REVALIDATE_SECRET if is_local else ""
    kept = variables.read(ROOT / ".dev.vars")
    secret = os.environ.get(_SECRET) or kept.get(_SECRET) or default
    bearer = {"authorization": f"Bearer {secret}"} if secret else {}
    for line in words_of(ask(address, {**headers_in(asked.header), **bearer})):
        print(line)
    return 0


if __name__ == "__main__":
    run_main(main)
