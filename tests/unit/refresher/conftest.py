"""The program with a single table."""

from __future__ import annotations

import pytest
from program import Program


@pytest.fixture
def program() -> Program:
    """Return a program that serves one table, which is empty."""
    program = Program(tables={"articles": {}})
    program.supabase.tables["articles"] = []
    return program
