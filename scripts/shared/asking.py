"""Asks a running Worker for what needs the secret."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from local.supabase_project import REVALIDATE_SECRET
from shared import variables
from shared.failure import Failure
from shared.project import ROOT

LOCAL = "http://localhost:8787"
SECRET = "REVALIDATE_SECRET"  # noqa: S105  its name
TIMEOUT_S = 60.0

HEADER = ("--header", "-H")
HEADER_OPTIONS: dict[str, Any] = {
    "metavar": "'NAME: VALUE'",
    "action": "append",
    "default": [],
    "help": "a header of the reader's, such as 'prefer: count=exact'; default: the public key's",
}
"""How a command takes headers (see `headers_in`)."""


def address_of(url: str, worker: str | None, route: str = "") -> str:
    """Return the address of a route for a URL or a path, at the named Worker or else the URL's."""
    parts = urlsplit(url)
    own = f"{parts.scheme}://{parts.netloc}" if parts.netloc else LOCAL
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return f"{(worker or own).rstrip('/')}{route}{target}"


def headers_in(given: list[str]) -> dict[str, str]:
    """Return the headers of the command line by their names. Raises Failure."""
    headers = {}
    for header in given:
        name, colon, value = header.partition(":")
        if not colon or name.strip().lower() == "authorization":
            raise Failure("A header is written as 'NAME: VALUE', and is not that of a session.")
        headers[name.strip()] = value.strip()
    return headers


def ask(
    address: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the JSON object that the Worker answers, asked with the secret. Raises Failure."""
    sent = {**(headers or {}), **_bearer(address)}
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(  # noqa: S310  the user's own
        address, method=method, headers=sent, data=data
    )
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


def _bearer(address: str) -> dict[str, str]:
    """Return the header with the secret: that of `npm start` if the Worker is on this machine."""
    is_local = urlsplit(address).hostname in {"localhost", "127.0.0.1"}
    default = REVALIDATE_SECRET if is_local else ""
    secret = os.environ.get(SECRET) or variables.read(ROOT / ".dev.vars").get(SECRET) or default
    return {"authorization": f"Bearer {secret}"} if secret else {}
