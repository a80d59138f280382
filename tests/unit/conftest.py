"""Tests that are coroutines run in time that only waiting moves."""

from __future__ import annotations

import inspect

import pytest
from clock import play
from program import Program


@pytest.fixture
def program() -> Program:
    """Return the program as most projects have it: two tables, and a secret."""
    return Program()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    play(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted}))
    return True
