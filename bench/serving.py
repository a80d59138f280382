"""Starts the processes of a run: a Miniflare for each Worker, and Supabase's stand-in."""

import json
from dataclasses import dataclass
from pathlib import Path

import httpx

import dataset
from contenders import Contender, compatibility_date
from local.ports import LOCALHOST, free_port
from local.processes import Process, spawn
from places import BENCH, WORK
from setup import runtime
from shared.failure import Failure
from shared.project import NODE_MODULES, environment
from usage import Usage, usage_of

START_DEADLINE_S = 60.0
NODE = NODE_MODULES / ".bin" / "node"
TABLE_KEY = "/articles"

_METADATA = "x-metadata"

http = httpx.Client(timeout=60, trust_env=False)


@dataclass(frozen=True)
class Entry:
    """A KV value, and its metadata as JSON text, which is empty if there is none."""

    value: bytes
    metadata: str = ""


@dataclass(frozen=True)
class Server:
    """A running Worker. `usage` is None if the system does not show it.

    At `direct_url` the Worker gets requests as they were sent. Miniflare's server rewrites URLs.
    """

    name: str
    url: str
    first_answer_ms: float
    process: Process
    usage: Usage | None
    admin: str
    direct_url: str

    def entry(self, key: str) -> Entry:
        """Return an entry of the Worker's KV."""
        answer = http.get(f"{self.admin}/entry", params={"key": key}).raise_for_status()
        return Entry(answer.content, answer.headers.get(_METADATA, ""))

    def metadata(self) -> dict[str, str]:
        """Return the metadata, as JSON text, of each key in the Worker's KV."""
        found: dict[str, str] = http.get(f"{self.admin}/keys").raise_for_status().json()
        return found

    def put(self, key: str, entry: Entry) -> None:
        """Overwrite an entry of the Worker's KV."""
        headers = {_METADATA: entry.metadata}
        http.put(
            f"{self.admin}/entry", params={"key": key}, content=entry.value, headers=headers
        ).raise_for_status()

    def restart(self) -> None:
        """Restart workerd, as a deployment does. KV and the objects' storage stay."""
        http.post(f"{self.admin}/restart").raise_for_status()

    def delete(self, key: str) -> None:
        """Delete an entry of the Worker's KV."""
        http.delete(f"{self.admin}/entry", params={"key": key}).raise_for_status()


@dataclass(frozen=True)
class Supabase:
    """Supabase's stand-in."""

    url: str
    process: Process

    def serve(
        self, table: dataset.Table, *, edited: bool = False, hold_s: float = 0, delay_s: float = 0
    ) -> None:
        """Serve this table, and the list from before or after its rows were ``edited``.

        The first answer waits for ``hold_s``, and every answer for ``delay_s``.
        """
        params = {
            "table": int(table.ascii_only),
            "rows": table.rows,
            "edited": int(edited),
            "hold_ms": round(hold_s * 1000),
            "delay_ms": round(delay_s * 1000),
        }
        http.put(f"{self.url}/control", params=params).raise_for_status()

    def asked(self) -> int:
        """Return how often it was asked for rows."""
        return int(http.get(f"{self.url}/control").raise_for_status().json()["asked"])


def start_supabase(work: Path) -> Supabase:
    """Start the upstream that answers from memory."""
    files = dataset.write(work)
    port = free_port()
    tables = (*files.lists, files.table, files.ascii_table)
    arguments = (str(port), str(dataset.ROW_BYTES), files.large_row, *tables)
    process = _spawn("Supabase's stand-in", "upstream.mjs", *arguments, log=work / "upstream.log")
    url = f"http://{LOCALHOST}:{port}"
    process.wait_until_answering(f"{url}/control", deadline_s=START_DEADLINE_S)
    return Supabase(url, process)


def start_load(work: Path) -> tuple[str, Process]:
    """Start the load generator; return its URL."""
    port = free_port()
    process = _spawn("The load generator", "load.mjs", str(port), log=work / "load.log")
    url = f"http://{LOCALHOST}:{port}"
    process.wait_until_answering(url, deadline_s=START_DEADLINE_S)
    return url, process


def start(contender: Contender, work: Path, seed: Entry) -> Server:
    """Start a Worker whose `/articles` is in KV, and wait for its first answer."""
    port, admin_port, direct_port = free_port(), free_port(), free_port()
    ports = {"port": port, "adminPort": admin_port, "directPort": direct_port}
    spec = _write_spec(contender, work, seed, ports)
    log = work / f"{contender.slug}.log"
    process = _spawn(f'The Worker "{contender.name}"', "serve.mjs", spec, log=log)
    admin = f"http://{LOCALHOST}:{admin_port}"
    process.wait_until_answering(admin, deadline_s=START_DEADLINE_S)
    first_answer_ms = float(http.get(admin).json()["firstAnswerMs"])
    usage = usage_of("workerd", group=process.popen.pid)
    return Server(
        contender.name,
        f"http://{LOCALHOST}:{port}",
        first_answer_ms,
        process,
        usage,
        admin,
        f"http://{LOCALHOST}:{direct_port}",
    )


def require_alive(process: Process) -> None:
    """Raise Failure with the log if a process of the run has ended."""
    if not process.alive:
        raise Failure(f"{process.log_tail()}\n\n{process.name} ended by itself.")


def _spawn(name: str, script: str, *arguments: str | Path, log: Path) -> Process:
    env = {
        **environment(),
        "MINIFLARE_WORKERD_PATH": str(runtime.WORKERD),
        # A killed Miniflare leaves its folders behind. The next run removes them from here.
        "TMPDIR": str(WORK / "tmp"),
    }
    return spawn(name, [NODE, BENCH / script, *arguments], cwd=BENCH, env=env, log=log)


def _write_spec(contender: Contender, work: Path, seed: Entry, ports: dict[str, int]) -> Path:
    value = work / f"{contender.slug}.seed"
    value.write_bytes(seed.value)
    modules = [
        {"name": module.name, "type": module.type, "path": str(module.path)}
        for module in contender.modules
    ]
    spec = {
        "name": contender.slug,
        "main": contender.modules[0].name,
        "modules": modules,
        "compatibilityDate": compatibility_date(),
        "compatibilityFlags": list(contender.flags),
        "env": {**contender.env, "ARTICLES": {"type": "kv", "id": "articles"}},
        "exports": dict(contender.exports),
        "seed": {"path": str(value), "metadata": seed.metadata},
        **ports,
    }
    path = work / f"{contender.slug}.json"
    path.write_text(json.dumps(spec))
    return path
