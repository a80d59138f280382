"""Asks a running Worker for what needs the secret."""

from __future__ import annotations

import argparse
import json
import os
import re
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException, InvalidURL
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from local.supabase_project import REVALIDATE_SECRET
from shared import variables
from shared.failure import Failure
from shared.project import ROOT

LOCAL = f"http://localhost:{os.environ.get('PORT') or 8787}"
"""Where `npm start` listens, if it has the same environment."""
SECRET = "REVALIDATE_SECRET"  # noqa: S105  its name
TIMEOUT_S = 60.0

_SCHEMES = {"http", "https"}
_PROBLEM = "urn:supabase-edge-cache:"

_SENT_AS_IT_IS = "".join(char for char in map(chr, range(0x21, 0x7F)) if char not in '"<>`{}')
"""A browser encodes everything else in a URL. Escapes stay, because `%` is one of these."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A header's name: https://www.rfc-editor.org/rfc/rfc9110#name-tokens"""

_SESSION = (
    "A session's token is not sent, because a log could keep it. `npm run explain -- --session`"
    " says what a reader who is signed in would get."
)


class Refused(Failure):
    """The Worker answers with a problem. ``kind`` is the last part of its type."""

    def __init__(self, message: str, kind: str, detail: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.detail = detail


def not_empty(text: str) -> str:
    """Return an argument. If it is empty, perhaps a shell's variable is not set."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty, so nothing was done")
    return text


def add_worker(parser: argparse.ArgumentParser) -> None:
    """Let a command take the Worker's address."""
    parser.add_argument(
        "--worker", type=not_empty, metavar="ADDRESS", help=f"the Worker's; default: {LOCAL}"
    )


def add_reader(parser: argparse.ArgumentParser) -> None:
    """Let a command take what a reader sends besides the URL (see `reader_of`)."""
    parser.add_argument(
        "--header",
        "-H",
        metavar="'NAME: VALUE'",
        action="append",
        default=[],
        help="a header of the reader's, such as 'prefer: count=exact'; default: the public key's",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--head", action="store_true", help="the reader sends HEAD instead of GET")
    how.add_argument(
        "--data", type=not_empty, metavar="JSON", help="the reader calls a function by POST"
    )


def reader_of(asked: argparse.Namespace) -> dict[str, str]:
    """Return the headers that say what the reader of `add_reader` sends. Raises Failure."""
    sent = headers_in(asked.header)
    if asked.head:
        sent["explain-method"] = "HEAD"
    if asked.data:
        sent["explain-body"] = quote(asked.data, safe="", errors="surrogateescape")
    return sent


def address_of(url: str, worker: str | None, route: str = "") -> str:
    """Return the address of a route for a URL or a path, at the named Worker or else the URL's.

    What a URL cannot have is encoded as browsers do. Raises Failure.
    """
    parts = _parts(url)
    is_url = parts is not None and parts.scheme in _SCHEMES and parts.netloc
    is_path = parts is not None and not parts.netloc and url.startswith("/")
    if parts is None or not (is_url or is_path):
        raise Failure(
            f"{url} is neither a URL nor a path. A path begins with one slash: /articles."
        )
    own = f"{parts.scheme}://{parts.netloc}" if is_url else LOCAL
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    sent = quote(target, safe=_SENT_AS_IT_IS, errors="surrogateescape")
    return f"{_checked(worker) if worker else own}{route}{sent}"


def _checked(worker: str) -> str:
    """Return the address of a Worker without a slash at its end. Raises Failure."""
    parts = _parts(worker)
    if parts is None or parts.scheme not in _SCHEMES or not parts.hostname:
        raise Failure(
            f"{worker} is no address of a Worker, such as {LOCAL} or https://YOUR-WORKER."
        )
    return worker.rstrip("/")


def _parts(url: str) -> SplitResult | None:
    """Return the parts of a URL, or None if it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def headers_in(given: list[str]) -> dict[str, str]:
    """Return the headers of the command line by their names. Raises Failure."""
    headers = {}
    for header in given:
        name, colon, value = (part.strip() for part in header.partition(":"))
        if not colon or not _NAME.fullmatch(name):
            raise Failure(f"{header!r} is no header. Write 'NAME: VALUE': 'prefer: count=exact'.")
        if name.lower() == "authorization":
            raise Failure(_SESSION)
        if not can_be_sent(value):
            raise Failure(f"The value of {name} has a character that a header cannot have.")
        headers[name] = value
    return headers


def ask(
    address: str, member: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the JSON object that the Worker answers, asked with the secret.

    ``member`` is one that it has for sure. Raises Failure, or Refused for a problem. Another
    machine gets the secret only after it has answered as this Worker does without one.
    """
    secret, place = _secret_for(address)
    if secret and not _is_local(address):
        _told_by(address, member, "GET", {})
    bearer = {"authorization": f"Bearer {secret}"} if secret else {}
    status, told = _told_by(address, member, method, {**(headers or {}), **bearer})
    kind = str(told.get("type", ""))
    if kind.startswith(_PROBLEM):
        detail = told.get("detail", "")
        said = f"{address} answers {status}. {detail}"
        if status == HTTPStatus.UNAUTHORIZED:
            said += f" {_whence(place)}"
        raise Refused(said, kind.removeprefix(_PROBLEM), detail)
    return told


def _told_by(
    address: str, member: str, method: str, headers: Mapping[str, str]
) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON object of an answer. Raises Failure if it is no Worker's."""
    request = urllib.request.Request(  # noqa: S310  the user's own
        address, method=method, headers=dict(headers)
    )
    status, body, location = _answer_to(request)
    told = _object_in(body)
    if not str(told.get("type", "")).startswith(_PROBLEM) and member not in told:
        leads = f" It leads to {location}." if location else ""
        raise Failure(f"What answers {status} at {address} is not this Worker.{leads}")
    return status, told


def _answer_to(request: urllib.request.Request) -> tuple[int, bytes, str | None]:
    """Return the status, the body, and where a redirect leads. Raises Failure."""
    try:
        with _opener().open(request, timeout=TIMEOUT_S) as answer:
            return answer.status, answer.read(), answer.headers["location"]
    except (InvalidURL, UnicodeError) as error:
        raise Failure(f"{request.full_url} is no address that can be asked.") from error
    except (OSError, HTTPException) as error:
        why = getattr(error, "reason", error)
        said = f"{request.full_url} does not answer: {why}. Does the Worker run?"
        raise Failure(said) from error


def _opener() -> urllib.request.OpenerDirector:
    """Return what sends a request. It follows no redirect: the secret would go where it leads."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _object_in(body: bytes) -> dict[str, Any]:
    """Return a body's JSON object, or an empty one if it has none."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _secret_for(address: str) -> tuple[str, str]:
    """Return the secret, and where it is from: `npm start`'s if the Worker is on this machine.

    Both are empty if there is none. Raises Failure, which does not show the secret.
    """
    layers: list[variables.Layer] = [
        ("the environment", os.environ),
        (".dev.vars", variables.read(ROOT / ".dev.vars")),
        ("`npm start`", {SECRET: REVALIDATE_SECRET if _is_local(address) else None}),
    ]
    values, places = variables.first_of([SECRET], layers)
    secret, place = values.get(SECRET, "").strip(), places.get(SECRET, "")
    if not can_be_sent(secret):
        raise Failure(f"{SECRET} from {place} has a character that a header cannot have.")
    return secret, place


def _is_local(address: str) -> bool:
    return urlsplit(address).hostname in {"localhost", "127.0.0.1"}


def can_be_sent(value: str) -> bool:
    """Return whether a header can have a value."""
    return value.isascii() and value.isprintable()


def _whence(place: str) -> str:
    """Return a sentence that says where a refused secret is from."""
    if place:
        return f"The command took {SECRET} from {place}."
    return f"Put {SECRET} into .dev.vars or into the environment."
