"""The program with a single table."""

from __future__ import annotations

import inspect

import pytest
from program import Program
from world import World, play

from edge_cache.tables import PROJECT


@pytest.fixture
def program() -> Program:
    """Return a program that serves one table, which is empty."""
    program = Program(tables={"articles": {}})
    program.supabase.tables["articles"] = []
    return program


@pytest.fixture
def world() -> World:
    """Return a table's refresher, and all that is around it."""
    return World()


@pytest.fixture
def project() -> World:
    """Return the project's refresher, and all that is around it."""
    return World(PROJECT)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Play a test of a world in that one's time."""
    worlds = [world for world in pyfuncitem.funcargs.values() if isinstance(world, World)]
    if not worlds or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    given = {name: pyfuncitem.funcargs[name] for name in wanted}
    play(worlds[0].clock, pyfuncitem.obj(**given))
    return True
