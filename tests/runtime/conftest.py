"""Starts the real things once a session: Supabase Lite on PGlite, and the Worker in workerd."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from clients import library
from clients.players import Caller
from edge import SECRET, TIMEOUT_S, Database, Edge, EdgeOf, Kv, Log, StartWorker
from upstream import Server, serving

from local import stack
from shared.project import PYTHON_MODULES, ROOT

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def supabase(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stack.Supabase]:
    """Return a real Supabase with the project's own schema."""
    running = stack.start_supabase(
        tmp_path_factory.mktemp("supabase"),
        stack.free_port(),
        more_schemas=HERE / "schemas",
        exposed=("agenda",),
    )
    yield running
    running.process.stop()


@pytest.fixture(scope="session")
def upstream(supabase: stack.Supabase) -> Iterator[Server]:
    """Return the server that the Worker takes for Supabase."""
    with serving(supabase.url) as server:
        yield server


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the Worker whose entry point can be reset."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "src", folder / "src")
    shutil.copy(HERE / "worker_entry.py", folder / "src")
    (folder / "python_modules").symlink_to(PYTHON_MODULES)
    (folder / "wrangler.toml").write_text(_config((ROOT / "wrangler.toml").read_text()))
    return folder


def _config(text: str) -> str:
    """Return the project's configuration without what is somebody's own: variables and ids."""
    text = re.sub(r"(?m)^\[vars\b.*\]\n(?:(?!\[).*\n)*|^id = .*\n", "", text)
    text = text.replace("src/entry.py", "src/worker_entry.py").replace("[build]", "[unused]")
    return f"{text}\n[vars.TABLES]\narticles = {{}}\n"


@pytest.fixture(scope="session")
def variables(supabase: stack.Supabase, upstream: Server) -> dict[str, str]:
    """Return the Worker's configuration in tests."""
    return {
        "SUPABASE_URL": upstream.url,
        "SUPABASE_ANON_KEY": supabase.publishable_key,
        "SUPABASE_TIMEOUT_SECONDS": str(TIMEOUT_S),
    }


@pytest.fixture(scope="session")
def start_worker(
    tmp_path_factory: pytest.TempPathFactory, project: Path, variables: dict[str, str]
) -> Iterator[StartWorker]:
    """Return a function that starts a Worker, which ends with the session."""
    started: list[stack.Worker] = []

    def start(
        more: dict[str, str] | None = None,
        *,
        only: dict[str, str] | None = None,
        config: Path = project / "wrangler.toml",
        state: Path | None = None,
    ) -> stack.Worker:
        state = state or tmp_path_factory.mktemp("worker")
        worker = stack.start_worker(
            port=stack.free_port(),
            state=state,
            variables={**variables, **(more or {})} if only is None else only,
            config=config,
            log=state / "worker.log",
        )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.process.stop()


@pytest.fixture(scope="session")
def worker_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the Worker that most tests share has its KV and storage."""
    return tmp_path_factory.mktemp("worker")


@pytest.fixture(scope="session")
def worker(start_worker: StartWorker, worker_state: Path) -> stack.Worker:
    """Return the Worker that most tests share."""
    return start_worker(state=worker_state)


@pytest.fixture(scope="session")
def database(supabase: stack.Supabase) -> Iterator[Database]:
    """Return the database behind it all."""
    headers = {"apikey": supabase.secret_key, "prefer": "return=minimal"}
    with httpx.Client(base_url=f"{supabase.url}/rest/v1", headers=headers, timeout=60) as http:
        yield Database(http)


@pytest.fixture
def edge_of(database: Database, upstream: Server) -> Iterator[EdgeOf]:
    """Return a function that puts a Worker into its initial state, with three articles."""
    with ExitStack() as clients:

        def initial(worker: stack.Worker, *, reset: bool = True) -> Edge:
            http = clients.enter_context(httpx.Client(base_url=worker.url, timeout=60))
            kv, log = Kv(http), worker.process.log
            if reset:
                upstream.script.reset()
                http.post("/__reset").raise_for_status()
                kv.clear()
                database.reset()
                upstream.script.reset()
            return Edge(http, kv, database, upstream.script, Log(log, log.stat().st_size))

        yield initial


@pytest.fixture
def edge(edge_of: EdgeOf, worker: stack.Worker) -> Edge:
    """Return the Worker with empty KV, an empty Durable Object and the three seeded rows."""
    return edge_of(worker)


@pytest.fixture(scope="session")
def guarded_worker(start_worker: StartWorker) -> stack.Worker:
    """Return a Worker with a secret."""
    return start_worker({"REVALIDATE_SECRET": SECRET})


@pytest.fixture
def guarded(edge_of: EdgeOf, guarded_worker: stack.Worker) -> Edge:
    """Return that Worker in its initial state."""
    return edge_of(guarded_worker)


@pytest.fixture
def kv_files(edge: Edge, worker_state: Path) -> Path:
    """Return the folder of the local KV, after something was written."""
    edge.get("/articles").raise_for_status()
    return worker_state / "v3" / "kv"


@pytest.fixture(scope="session")
def users(supabase: stack.Supabase) -> dict[str, Caller]:
    """Return everybody who may ask: without a session, signed in, or with a key to everything."""
    callers = {"anonymous": Caller(supabase.publishable_key), "secret": Caller(supabase.secret_key)}
    for name in ("anna", "bert"):
        account = {"email": f"{name}@example.com", "password": "correct horse battery staple"}
        headers = {"apikey": supabase.publishable_key}
        said = httpx.post(f"{supabase.url}/auth/v1/signup", json=account, headers=headers).json()
        key, user = supabase.publishable_key, said["user"]["id"]
        callers[name] = Caller(key, token=said["access_token"], user=user)
    return callers


@pytest.fixture(scope="session")
def library_worker(start_worker: StartWorker, database: Database) -> stack.Worker:
    """Return a Worker with a view, functions and another schema, and rows in all of them."""
    library.fill(database)
    return start_worker({"TABLES": json.dumps(library.DECLARED)})


@pytest.fixture
def library_edge(edge_of: EdgeOf, library_worker: stack.Worker) -> Edge:
    """Return that Worker with empty KV and empty Durable Objects."""
    return edge_of(library_worker)
