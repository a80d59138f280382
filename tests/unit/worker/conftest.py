"""The Worker and its reader, over faked ports."""

from __future__ import annotations

import pytest
from faked_edge import FakedReader, FakedWorker


@pytest.fixture
def reader() -> FakedReader:
    """Return a reader whose store is empty."""
    return FakedReader()


@pytest.fixture
def edge() -> FakedWorker:
    """Return a Worker with two tables, a secret and an empty store."""
    return FakedWorker()
