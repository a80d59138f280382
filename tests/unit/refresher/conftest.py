"""Tests that are coroutines run in a world of their own, in time that only waiting moves."""

from __future__ import annotations

import inspect

import pytest
from world import World, play

from edge_cache.tables import PROJECT


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
    """Play a test that is a coroutine."""
    worlds = [world for world in pyfuncitem.funcargs.values() if isinstance(world, World)]
    if not (worlds and inspect.iscoroutinefunction(pyfuncitem.obj)):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    given = {name: pyfuncitem.funcargs[name] for name in wanted}
    play(worlds[0].clock, pyfuncitem.obj(**given))
    return True
