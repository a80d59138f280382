"""Asks and changes Cloudflare through Wrangler, which has the login.

No secret is on a command line or in a file: Wrangler reads them from its standard input.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from production.plan import Worker
from shared import command, project
from shared.failure import Failure

_WRANGLER = project.NODE_MODULES / ".bin" / "wrangler"

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_NO_SUCH_WORKER = "code: 10007"
_TAG = "workers/tag"
_ACCOUNT = "CLOUDFLARE_ACCOUNT_ID"

_ASK_AGAIN = (
    "Cloudflare cannot be asked what is there: check the connection and the login"
    " (`npx wrangler whoami`), then run this again. Nothing was changed."
)

_SEVERAL = (
    f'The login has several accounts. Choose one: `export {_ACCOUNT}=ID`, or `account_id = "ID"`'
    " on top of wrangler.toml."
)


@dataclass(frozen=True, slots=True)
class Cloudflare:
    """One environment of a wrangler.toml, at Cloudflare."""

    config: Path
    environment: str
    account_id: str | None

    def found(self) -> tuple[str | None, Worker | None]:
        """Return the account, or None if nobody is logged in, and what runs there."""
        with ThreadPoolExecutor() as pool:  # because each takes a second
            account, worker = pool.submit(self._account), pool.submit(self._worker)
            name = account.result()
            return (name, worker.result()) if name else (None, None)

    def log_in(self) -> None:
        """Have Wrangler open a browser. Raises Failure."""
        if subprocess.run([_WRANGLER, "login"], env=project.environment(), check=False).returncode:
            raise Failure("Nobody logged in at Cloudflare, so nothing was changed. Run this again.")

    def deploy(self, tag: str, secrets: Mapping[str, str]) -> str | None:
        """Deploy with these secrets, and return the Worker's address if Wrangler tells it.

        Raises Failure with the end of what Wrangler said.
        """
        with TemporaryDirectory() as folder:
            told = Path(folder) / "told"
            words = ["deploy", "--tag", tag]
            words += ["--secrets-file", "/dev/stdin"] if secrets else []
            more = {"WRANGLER_OUTPUT_FILE_PATH": str(told)}
            done = self._run(words, more, given=json.dumps(secrets))
            if done.returncode:
                raise Failure(_why(done))
            return address_in(told.read_text() if told.exists() else "")

    def _account(self) -> str | None:
        done = self._run(["whoami", "--json"])
        told = _json_in(done.stdout)
        if told.get("loggedIn") is False:
            return None
        if done.returncode or not told:
            raise Failure(f"{_why(done)}\n\n{_ASK_AGAIN}")
        return account_of(told["accounts"], self.account_id or os.environ.get(_ACCOUNT))

    def _worker(self) -> Worker | None:
        done = self._run(["deployments", "status", "--json"])
        if done.returncode and _NO_SUCH_WORKER in done.stdout + done.stderr:
            return None
        # While two versions share the traffic, the Worker is not what any clone describes.
        versions = self._answer(done)["versions"]
        shown = [
            self._answer(self._run(["versions", "view", v["version_id"], "--json"]))
            for v in versions
        ]
        return worker_of(shown)

    def _answer(self, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
        told = _json_in(done.stdout)
        if done.returncode or not told:
            raise Failure(f"{_why(done)}\n\n{_ASK_AGAIN}")
        return told

    def _run(
        self, words: list[str], more: Mapping[str, str] | None = None, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        where = [] if words[0] == "whoami" else ["--env", self.environment]
        return subprocess.run(
            [_WRANGLER, *words, *where, "--config", self.config],
            cwd=self.config.parent,
            env={**project.environment(), "NO_COLOR": "1", **(more or {})},
            check=False,
            input=given,
            capture_output=True,
            text=True,
        )


def _why(done: subprocess.CompletedProcess[str]) -> str:
    """Return what Wrangler said at its end, without colours and where its log is."""
    lines = _ESCAPES.sub("", done.stderr.strip() or done.stdout).splitlines()
    return command.tail("\n".join(line for line in lines if "Logs were written" not in line))


def account_of(accounts: list[dict[str, str]], wanted: str | None) -> str:
    """Return the name of the account that Wrangler will use. Raises Failure if it must ask."""
    if wanted is None and len(accounts) > 1:
        listed = "\n".join(f"  {one['id']}  {one['name']}" for one in accounts)
        raise Failure(f"{listed}\n\n{_SEVERAL}")
    names = {one["id"]: one["name"] for one in accounts}
    only = accounts[0]["id"] if accounts else "unknown"
    return names.get(wanted or only, wanted or only)


def worker_of(versions: list[dict[str, Any]]) -> Worker:
    """Return what runs: the tag that all its versions have, and the secrets that all have."""
    tags = {(version.get("annotations") or {}).get(_TAG) for version in versions}
    secrets = [
        {one["name"] for one in version["resources"]["bindings"] if one["type"] == "secret_text"}
        for version in versions
    ]
    tag = tags.pop() if len(tags) == 1 else None
    return Worker(tag, frozenset(set.intersection(*secrets)) if secrets else frozenset())


def address_in(told: str) -> str | None:
    """Return the address in what Wrangler wrote about a deploy: a domain of one's own, if any."""
    lines = [json.loads(line) for line in told.splitlines() if line]
    targets = [t for line in lines if line["type"] == "deploy" for t in line["targets"]]
    domains = [f"https://{t.partition(' ')[0]}" for t in targets if "(custom domain" in t]
    return next((t for t in (*domains, *targets) if t.startswith("https://")), None)


def _json_in(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
