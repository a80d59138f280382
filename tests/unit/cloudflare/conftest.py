"""The modules under test import what only the runtime has, so they are loaded with stand-ins."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from faked_runtime import FakeRuntime

ROOM = "edge_cache.cloudflare"


def _forget() -> None:
    for name in [name for name in sys.modules if name.startswith(f"{ROOM}.")]:
        del sys.modules[name]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRuntime]:
    """Return a stand-in for the runtime; the modules find it when they are loaded."""
    fake = FakeRuntime()
    for name, module in fake.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    _forget()
    yield fake
    _forget()


@pytest.fixture
def load(runtime: FakeRuntime) -> Callable[[str], ModuleType]:
    """Return a function that loads a module of the room with that runtime."""
    assert runtime
    return lambda name: importlib.import_module(f"{ROOM}.{name}")
