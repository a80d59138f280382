"""Plays reads and writes with the real clients, and returns what an app would get."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
from clients import shop
from clients.others import OTHERS
from clients.reads import READS, Read
from postgrest import APIError, SyncPostgrestClient

from shared.project import NODE_MODULES

Outcome = dict[str, Any]
"""``data``, ``count`` and ``error``, which is None or has a code, message, details and hint; from
supabase-js ``status`` as well."""

_ERROR = ("code", "message", "details", "hint")

READING = ("GET", "HEAD")
EVERYTHING = (*READING, "POST", "PATCH", "DELETE")

PASSWORD = "correct horse battery staple"

_READS: Mapping[str, Read] = {**READS, **shop.READS}


@dataclass(frozen=True)
class Caller:
    """Somebody who asks: a key, and perhaps a user with an account, who is signed in."""

    key: str
    token: str | None = None
    user: str | None = None
    email: str | None = None


class Player(Protocol):
    """One client in one language."""

    def play(
        self, name: str, caller: Caller, at: str, methods: tuple[str, ...] = READING
    ) -> Outcome:
        """Play a read or a write. Requests with these methods go to the server ``at``."""


@dataclass(frozen=True)
class JavaScript:
    """supabase-js in a process of its own, which reads one line for each play."""

    supabase: str
    process: subprocess.Popen[str]

    def play(
        self, name: str, caller: Caller, at: str, methods: tuple[str, ...] = READING
    ) -> Outcome:
        """Play as `Player.play` says."""
        play = {"name": name, **vars(caller), "supabase": self.supabase, "edge": at}
        play["password"] = PASSWORD
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({**play, "methods": methods}) + "\n")
        self.process.stdin.flush()
        outcome: Outcome = json.loads(self.process.stdout.readline())
        return outcome


@contextmanager
def javascript(supabase: str) -> Iterator[JavaScript]:
    """Start supabase-js; an app signs in with it at a Supabase."""
    command = [NODE_MODULES / ".bin" / "node", Path(__file__).with_name("play.mjs")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:  # noqa: S603
        yield JavaScript(supabase, process)
        assert process.stdin
        process.stdin.close()


@dataclass(frozen=True)
class Python:
    """supabase-py's client of tables and functions, which uses one address for everything."""

    http: httpx.Client

    def play(
        self, name: str, caller: Caller, at: str, methods: tuple[str, ...] = EVERYTHING
    ) -> Outcome:
        """Play as `Player.play` says."""
        assert set(READING) <= set(methods)
        headers = {"apikey": caller.key, "authorization": f"Bearer {caller.token or caller.key}"}
        db = SyncPostgrestClient(f"{at}/rest/v1", headers=headers, http_client=self.http)
        asked = _READS[name](db) if name in _READS else OTHERS[name](db, caller.user)
        try:
            answer = asked.execute()
        except APIError as error:
            return {"data": None, "count": None, "error": {k: getattr(error, k) for k in _ERROR}}
        data = getattr(answer, "data", answer)  # without a count or an error, it is the data itself
        return {"data": data, "count": getattr(answer, "count", None), "error": None}


@contextmanager
def python() -> Iterator[Python]:
    """Start supabase-py."""
    with httpx.Client(timeout=60) as http:
        yield Python(http)
