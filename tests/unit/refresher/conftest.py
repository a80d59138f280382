"""The program with a single table; for tests of one part, a clock and a storage."""

from __future__ import annotations

import pytest
from clock import Clock
from durable import Storage
from program import Program


@pytest.fixture
def program() -> Program:
    """Return a program that serves one table, which is empty."""
    program = Program(tables={"articles": {}})
    program.supabase.tables["articles"] = []
    return program


@pytest.fixture
def clock() -> Clock:
    """Return a clock that the tests may set."""
    return Clock()


@pytest.fixture
def storage(clock: Clock) -> Storage:
    """Return an empty storage."""
    return Storage(clock, lambda: None)
