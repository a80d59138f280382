"""A project that `npm run doctor` looks at, and a Worker in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import scripted
from edge import Database, Edge, EdgeOf
from patient import CONFIGURED, DECLARED, Patient
from upstream import Server

from diagnosis import sample
from local import stack


@pytest.fixture(scope="module")
def described(database: Database) -> Iterator[Database]:
    """Return the database; at the end, what the tests added is removed."""
    with scripted.installed(database, DECLARED):
        yield database


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the doctor wait less for a change that does not come."""
    monkeypatch.setattr(sample, "PAUSE_S", 0.1)


@pytest.fixture
def patient(
    tmp_path: Path,
    described: Database,
    supabase: stack.Supabase,
    upstream: Server,
) -> Patient:
    """Return a project without a fault."""
    patient = Patient(tmp_path, described, upstream.script, upstream.url, supabase.publishable_key)
    patient.recover()
    return patient


@pytest.fixture
def worker(edge_of: EdgeOf, patient: Patient) -> Edge:
    """Return a Worker in front of it; KV and its objects are empty."""
    edge = edge_of(CONFIGURED)
    patient.refill()
    return edge
