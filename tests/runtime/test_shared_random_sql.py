"""Wherever the database proves that everybody gets the same, everybody does.

The projects are made at random.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
from pglite import Pglite, SqlError, pglite
from random_readers import PREPARATION, answers, numbered, project_at_random, reasons

from edge_cache.tables import Declared, Table
from shared import edge_sql

LOG = logging.getLogger(__name__)

PROJECTS = int(os.environ.get("READERS_PROJECTS", "30"))
FIRST = int(os.environ.get("READERS_FIRST", "1"))
"""With other numbers, other projects are made."""


@pytest.fixture(scope="module")
def database() -> Iterator[Pglite]:
    """Return a database with the script."""
    with pglite() as database:
        database.run(PREPARATION + edge_sql.installing(Declared((Table("t0", schema="r"),))))
        yield database


def test_what_is_proven_is_so(database: Pglite) -> None:
    """Of everything that a project shows, by every query, to four readers."""
    proven = shown = refused = refused_in_vain = impossible = 0
    for random in numbered(FIRST, PROJECTS):
        project = project_at_random(random)
        with database.taken_back():
            try:
                database.run(";\n".join(project.statements))
            except SqlError:
                impossible += 1
                continue
            said = reasons(database)
            for name, different in answers(database, project).items():
                if said[name] is None:
                    text = ";\n".join(project.statements)
                    assert len(different) == 1, f"{name}: {different}\n{text}"
                    proven += 1
                    shown += any("error" not in answer for one in different for answer in one)
                else:
                    refused += 1
                    refused_in_vain += len(different) == 1
    counts = (proven, shown, refused, refused_in_vain, impossible)
    LOG.info("%s proven, %s shown, %s refused, %s in vain, %s impossible", *counts)
    assert impossible < PROJECTS / 10
    assert min(shown, refused) > (proven + refused) / 5
