"""Starts the real programs once a session: Supabase Lite on PGlite, and the Worker in workerd.

All tests share these two. If a test needs another configuration, it changes that of the running
Worker, which takes no start. Only a test that ends a Worker starts its own.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import played
import pytest
import scripted
from clients import library, shop
from clients.players import PASSWORD, Caller
from edge import SECRET, TIMEOUT_S, Database, Edge, EdgeAt, EdgeOf, Kv, Log, StartWorker, Variables
from upstream import Server, serving
from worker_config import TABLES, config_of, write_config

from local import stack
from shared.project import PYTHON_MODULES, ROOT

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks of tests that need Supabase Lite less, or more, than others."""
    for mark in (
        "played: does not depend on what Supabase itself says",
        "own_supabase: starts a Supabase Lite of its own",
    ):
        config.addinivalue_line("markers", mark)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order tests so that at most one Supabase Lite and one Worker of these tests run at a time.

    First come tests that start a Supabase Lite of their own, then those with a Worker of their own.
    The browser comes while the Worker that the others share has little in its memory.
    """
    items.sort(key=_when)


def _when(item: pytest.Item) -> int:
    if item.get_closest_marker("own_supabase"):
        return 0
    wanted = _fixtures(item)
    return 1 if "worker" not in wanted else 2 if "browser" in wanted else 3


def _fixtures(item: pytest.Item) -> Collection[str]:
    wanted: Collection[str] = getattr(item, "fixturenames", ())
    return wanted


def _is_played(session: pytest.Session) -> bool:
    """Return whether no test of this session asks what Supabase itself says."""
    asking = (item for item in session.items if "supabase" in _fixtures(item))
    return all(item.get_closest_marker("played") for item in asking)


@pytest.fixture(scope="session")
def supabase(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[stack.Supabase]:
    """Return Supabase: a real one with the tests' own schema, unless it may be played."""
    folder = tmp_path_factory.mktemp("supabase")
    running = played.start(folder) if _is_played(request.session) else _start_lite(folder)
    yield running
    running.process.stop()


def _start_lite(folder: Path) -> stack.Supabase:
    source = folder / "source"
    shutil.copytree(HERE / "project", source)
    (source / "edge_cache.sql").write_text(scripted.objects())
    lite = stack.start_supabase(folder / "running", stack.free_port(), source=source)
    with _owner_of(lite) as http:
        scripted.remove(Database(http))
    return lite


def _owner_of(supabase: stack.Supabase) -> httpx.Client:
    headers = {"apikey": supabase.secret_key, "prefer": "return=minimal"}
    return httpx.Client(base_url=f"{supabase.url}/rest/v1", headers=headers, timeout=60)


@pytest.fixture(scope="session")
def upstream(supabase: stack.Supabase) -> Iterator[Server]:
    """Return the server that the Worker takes for Supabase."""
    with serving(supabase.url) as server:
        yield server


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the Worker whose entry point has extra paths for tests."""
    folder = tmp_path_factory.mktemp("worker-project")
    shutil.copytree(ROOT / "src", folder / "src")
    shutil.copy(HERE / "worker_entry.py", folder / "src")
    (folder / "python_modules").symlink_to(PYTHON_MODULES)
    write_config(folder, "wrangler", {**config_of(ROOT), "main": "src/worker_entry.py"})
    return folder


@pytest.fixture(scope="session")
def variables(supabase: stack.Supabase, upstream: Server) -> Variables:
    """Return the Worker's configuration in tests."""
    return {
        "SUPABASE_URL": upstream.url,
        "SUPABASE_ANON_KEY": supabase.publishable_key,
        "SUPABASE_TIMEOUT_SECONDS": str(TIMEOUT_S),
        "TABLES": json.dumps(TABLES),
        "LOG_HITS": "all",
    }


def _start(project: Path, state: Path, variables: Variables) -> stack.Worker:
    return stack.start_worker(
        port=stack.free_port(),
        state=state,
        variables=variables,
        config=project / "wrangler.json",
        log=state / "worker.log",
    )


@pytest.fixture(scope="session")
def worker_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the Worker that all tests share has its KV and storage."""
    return tmp_path_factory.mktemp("worker")


@pytest.fixture(scope="session")
def worker(project: Path, worker_state: Path, variables: Variables) -> Iterator[stack.Worker]:
    """Return the Worker that all tests share."""
    running = _start(project, worker_state, variables)
    yield running
    running.process.stop()


@pytest.fixture
def start_worker(project: Path, variables: Variables) -> Iterator[StartWorker]:
    """Return a function that starts a Worker on a state folder. A test may kill this Worker."""
    with ExitStack() as ends:

        def start(state: Path, more: Variables | None = None) -> stack.Worker:
            running = _start(project, state, {**variables, **(more or {})})
            ends.callback(running.process.stop)
            return running

        yield start


@pytest.fixture(scope="session")
def database(supabase: stack.Supabase) -> Iterator[Database]:
    """Return the database behind Supabase."""
    with _owner_of(supabase) as http:
        yield Database(http)


@pytest.fixture
def edge_at(database: Database, upstream: Server) -> Iterator[EdgeAt]:
    """Return a function that connects to a Worker and changes nothing."""
    with ExitStack() as clients:

        def hold(worker: stack.Worker) -> Edge:
            http = clients.enter_context(httpx.Client(base_url=worker.url, timeout=60))
            log = worker.process.log
            return Edge(http, Kv(http), database, upstream.script, Log(log, log.stat().st_size))

        yield hold


@pytest.fixture
def edge_of(edge_at: EdgeAt, worker: stack.Worker, variables: Variables) -> EdgeOf:
    """Return a function that puts the Worker into its initial state, with three articles."""

    def initial(more: Variables | None = None) -> Edge:
        edge = edge_at(worker)
        edge.upstream.reset()
        edge.reset()
        edge.kv.clear()
        edge.configure({**variables, **(more or {})})
        edge.db.reset()
        edge.upstream.reset()
        return edge_at(worker)

    return initial


@pytest.fixture
def edge(edge_of: EdgeOf) -> Edge:
    """Return the Worker with empty KV, empty Durable Objects and the three rows."""
    return edge_of()


@pytest.fixture
def guarded(edge_of: EdgeOf) -> Edge:
    """Return the Worker with a secret to revalidate."""
    return edge_of({"REVALIDATE_SECRET": SECRET})


@pytest.fixture
def kv_files(edge: Edge, worker_state: Path) -> Path:
    """Return the folder of the local KV, after something was written."""
    edge.get("/articles").raise_for_status()
    return worker_state / "v3" / "kv"


@pytest.fixture(scope="session")
def users(supabase: stack.Supabase) -> dict[str, Caller]:
    """Return all kinds of callers: without a session, signed in, or with the secret key."""
    callers = {"anonymous": Caller(supabase.publishable_key), "secret": Caller(supabase.secret_key)}
    for name in ("anna", "bert"):
        callers[name] = _signed_up(supabase, f"{name}@example.com")
    return callers


def _signed_up(supabase: stack.Supabase, email: str) -> Caller:
    """Return a new user. supabase-py itself cannot read the dates in Supabase Lite's answer."""
    key, account = supabase.publishable_key, {"email": email, "password": PASSWORD}
    at = f"{supabase.url}/auth/v1/signup"
    said = httpx.post(at, json=account, headers={"apikey": key}).raise_for_status().json()
    return Caller(key, said["access_token"], said["user"]["id"], email)


@pytest.fixture
def shop_edge(edge_of: EdgeOf, database: Database, users: dict[str, Caller]) -> Iterator[Edge]:
    """Return a Worker in front of a shop, where Anna has the first item in her cart.

    Bert has the second item in his. The Worker knows what the database proves.
    """
    owners = {str(users[name].user): item for item, name in enumerate(("anna", "bert"), start=1)}
    with shop.known_to(edge_of, database, owners) as edge:
        yield edge


@pytest.fixture(scope="session")
def library_rows(database: Database) -> None:
    """Put rows into the library, once."""
    library.fill(database)


@pytest.fixture
def library_edge(edge_of: EdgeOf, library_rows: None) -> Edge:  # noqa: ARG001  they have to be there
    """Return the Worker with a view, functions and another schema, and rows in all of them."""
    return edge_of({"TABLES": json.dumps(library.DECLARED)})
