"""Tests that are coroutines run in a world of their own, in time that only waiting moves."""

from __future__ import annotations

import inspect

import pytest
from world import Clock, World, play


@pytest.fixture
def world() -> World:
    """Return a refresher, and all that is around it."""
    return World()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Play a test that is a coroutine."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    given = {name: pyfuncitem.funcargs[name] for name in wanted}
    world = pyfuncitem.funcargs.get("world")
    play(world.clock if isinstance(world, World) else Clock(), pyfuncitem.obj(**given))
    return True
