"""The Worker behind a real shared cache: Varnish, with the VCL of docs/."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from edge import Edge, EdgeOf
from upstream import Server, serving
from varnished import StartCache, client_of

from local import stack, varnish

LONG_S = 600
"""The shared cache may answer by itself for this long, which is longer than any test."""


@pytest.fixture(scope="module")
def start_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartCache]:
    """Return a function that starts a shared cache. The cache ends with the module."""
    varnishd = varnish.program()
    if varnishd is None:
        pytest.skip("there is no Varnish on this machine: apt-get install varnish")
    with ExitStack() as ends:

        def start(url: str, *, more: str = "") -> varnish.SharedCache:
            folder = tmp_path_factory.mktemp("varnish")
            started = varnish.start(varnishd, url, folder, more=more)
            ends.callback(started.process.stop)
            return started

        yield start


@pytest.fixture
def keeping(edge_of: EdgeOf) -> Callable[[int], Edge]:
    """Return a function that lets shared caches keep the Worker's answers for so many seconds."""

    def filled(seconds: int) -> Edge:
        edge = edge_of({"SHARED_MAX_AGE_SECONDS": str(seconds)})
        for path in ("/articles", "/articles/2"):
            edge.get(path).raise_for_status()
        edge.kv.wait()
        return edge

    return filled


@pytest.fixture
def edge(keeping: Callable[[int], Edge]) -> Edge:
    """Return the Worker with answers that a shared cache may keep for long."""
    return keeping(LONG_S)


@pytest.fixture
def brief(keeping: Callable[[int], Edge]) -> Edge:
    """Return the Worker with answers that a shared cache may keep for a second."""
    return keeping(1)


@pytest.fixture(scope="module")
def shared_cache(start_cache: StartCache, worker: stack.Worker) -> varnish.SharedCache:
    """Return the shared cache in front of the Worker."""
    return start_cache(worker.url)


@pytest.fixture
def cache(shared_cache: varnish.SharedCache) -> Iterator[httpx.Client]:
    """Return a client of the shared cache, which is empty."""
    with client_of(shared_cache) as http:
        yield http


@pytest.fixture
def gate(worker: stack.Worker) -> Iterator[Server]:
    """Return a server between the Worker and a shared cache. It can hang up like a dead Worker."""
    with serving(worker.url) as server:
        yield server
