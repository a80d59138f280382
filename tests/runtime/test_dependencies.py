"""An answer never depends on too little.

Random queries are asked of random schemas, on a real Postgres behind Supabase Lite. Random edits
follow. If an edit changes an answer, the dependencies of that answer must name what was edited.
They are resolved from the catalogue before the edit.

A case is one query after one edit. By default there are some thousands. More cases have more
schemas: ``EDGE_CACHE_CASES=50000 npm test -- tests/runtime/test_dependencies.py``. The schemas
follow from a seed, which a failure shows. ``EDGE_CACHE_SEED`` chooses the first one. If pytest gets
``--log-cli-level=warning``, it shows how many answers an edit changed.
"""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from random_edits import edit_at_random
from random_queries import Queries
from random_remote import Answer, Changes, Remote, changes_between, remote_of
from random_schema import Schema
from random_schemas import schema_at_random

from edge_cache.dependencies import EVERYTHING, Dependencies
from edge_cache.queries import Query
from edge_cache.supabase.catalogue import Catalogue
from edge_cache.supabase.resolving import (
    keyed_relation,
    query_dependencies,
    row_dependencies,
    table_dependencies,
)

pytestmark = pytest.mark.own_supabase

ONE_ROW = re.compile("id=eq[.]([^&]+)")
"""A query that asks for the same as the path of a row."""

LOG = logging.getLogger(__name__)

CASES = int(os.environ.get("EDGE_CACHE_CASES", "2500"))
SEED = int(os.environ.get("EDGE_CACHE_SEED", "1"))

SCHEMAS = 4
QUERIES = 64
EDITS = 10
CASES_A_SEED = SCHEMAS * QUERIES * EDITS


def names(dependencies: Dependencies, changes: Changes, keyed: str | None) -> bool:
    """Return whether dependencies name any of the changes."""
    if EVERYTHING in dependencies.relations:
        return True
    return any(
        relation in dependencies.relations
        or (
            relation == keyed
            and bool(dependencies.keys)
            and (keys is None or keys & dependencies.keys)
        )
        for relation, keys in changes.items()
    )


@dataclass
class Play:
    """One schema, its queries, and what they depend on."""

    remote: Remote
    schema: Schema
    catalogue: Catalogue
    random: Random
    figures: Counter[str]
    seed: int

    def run(self, pool: ThreadPoolExecutor) -> None:
        """Edit and compare."""
        answers = self.answered(pool)
        rows = self.remote.rows(self.schema)
        for _ in range(EDITS):
            edit = self.edit()
            before, rows = rows, self.remote.rows(self.schema)
            changes = changes_between(before, rows)
            old, answers = answers, self.asked(list(answers), pool)
            for query in answers:
                if _is_stored(old[query]):
                    self.compare(query, edit, changes, old[query], answers[query])

    def answered(self, pool: ThreadPoolExecutor) -> dict[Query, Answer]:
        """Return queries whose answers the Worker would store."""
        queries = Queries(self.schema, self.random)
        found: dict[Query, Answer] = {}
        while len(found) < QUERIES:
            asked = self.asked(list({queries.query(): None for _ in range(QUERIES)}), pool)
            self.figures.update(queries=len(asked), answered=sum(map(_is_stored, asked.values())))
            found |= {query: one for query, one in asked.items() if _is_stored(one)}
        return dict(list(found.items())[:QUERIES])

    def asked(self, queries: list[Query], pool: ThreadPoolExecutor) -> dict[Query, Answer]:
        """Return what Supabase Lite answers."""
        return dict(zip(queries, pool.map(self.remote.answer, queries), strict=True))

    def edit(self) -> str:
        """Make an edit that Postgres accepts, and return it."""
        while True:
            statement = edit_at_random(self.schema, self.random)
            if self.remote.edits(statement):
                return statement

    def compare(self, query: Query, edit: str, changes: Changes, old: Answer, new: Answer) -> None:
        """Fail if an answer differs and nothing that it depends on was changed."""
        keyed = keyed_relation(query.profile, query.target, self.catalogue)
        differs = old != new
        for found in self.dependencies(query):
            is_named = names(found, changes, keyed)
            self.figures.update(
                cases=1,
                differ=differs,
                named=is_named,
                on_everything=EVERYTHING in found.relations,
                by_key=bool(found.keys),
            )
            assert is_named or not differs, (
                f"seed {self.seed}: {query.path}\ndepends on {sorted(found.relations)} and the"
                f" keys {sorted(found.keys)} of {keyed}, but {edit} changed {dict(changes)}:\n"
                f"{old!r}\n{new!r}"
            )

    def dependencies(self, query: Query) -> Iterator[Dependencies]:
        """Return what a query depends on, and the same of the whole table or of the row."""
        relation = query.profile, query.target
        is_table = any(one.name == query.target for one in self.schema.tables)
        yield query_dependencies(query, self.catalogue, is_table=is_table)
        if is_table and not query.parameters:
            yield table_dependencies(relation, self.catalogue)
        if is_table and (row := ONE_ROW.fullmatch(query.parameters)):
            yield row_dependencies(relation, row[1], self.catalogue)


def _is_stored(answer: Answer) -> bool:
    """Return whether the Worker would store an answer."""
    return answer[0] in {200, 206, 406}


def play(seed: int, folder: Path, figures: Counter[str]) -> None:
    """Play all cases of a seed."""
    random = Random(seed)  # noqa: S311  no secret
    schemas = [schema_at_random(f"s{number}", random) for number in range(SCHEMAS)]
    with remote_of(schemas, folder) as remote, ThreadPoolExecutor(8) as pool:
        catalogue = remote.install(schemas)
        for schema in schemas:
            Play(remote, schema, catalogue, random, figures, seed).run(pool)


def test_an_answer_depends_on_whatever_changes_it(tmp_path: Path) -> None:
    figures: Counter[str] = Counter()
    for seed in range(SEED, SEED + -(-CASES // CASES_A_SEED)):
        play(seed, tmp_path / str(seed), figures)
        LOG.warning("cases up to seed %s: %s", seed, dict(figures))
    # Else the cases would show nothing.
    assert figures["differ"] > figures["cases"] / 25
    assert figures["answered"] > figures["queries"] / 3
