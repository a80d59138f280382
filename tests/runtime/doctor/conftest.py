"""A project for `npm run doctor` to look at, and a Worker in front of it."""

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
    """Return the database, from which what the tests bring into it is gone in the end."""
    with scripted.installed(database, DECLARED):
        yield database


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the doctor wait less for a change that does not come."""
    monkeypatch.setattr(sample, "PAUSE_S", 0.1)


@pytest.fixture
def patient(
    tmp_path: Path,
    described: Database,
    supabase: stack.Supabase,
    upstream: Server,
) -> Patient:
    """Return a project in which everything is as it should be."""
    patient = Patient(tmp_path, described, upstream.script, upstream.url, supabase.publishable_key)
    patient.recover()
    return patient


@pytest.fixture
def worker(edge_of: EdgeOf, patient: Patient) -> Edge:
    """Return a Worker in front of it with nothing in KV and in its objects."""
    edge = edge_of(CONFIGURED)
    patient.recover()
    return edge
