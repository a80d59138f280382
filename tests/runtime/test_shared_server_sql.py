"""What the catalogue says on a Postgres server, which may be of another version than PGlite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from postgres import SUPERUSER, Session, postgres, server_programs
from proof import PROJECT, SCRIPT, Case
from proof_expressions import EXPRESSIONS, FUNCTIONS_CALLED
from proof_functions import FUNCTIONS
from proof_rights import GRANTS, POLICIES
from proof_rows import COMPUTED, HANDLERS
from proof_tables import TABLES
from proof_views import VIEWS

PROGRAMS = server_programs()

ALL = [
    *GRANTS,
    *POLICIES,
    *EXPRESSIONS,
    *FUNCTIONS_CALLED,
    *VIEWS,
    *TABLES,
    *FUNCTIONS,
    *COMPUTED,
    *HANDLERS,
]

CASES = [case for case in ALL if "with inherit" not in case[1]]
"""Postgres 15 does not know that option."""


@pytest.fixture(scope="module")
def server() -> Iterator[Session]:
    """Return a session of a superuser on a server, whose trees another version may have written."""
    assert PROGRAMS
    with postgres(PROGRAMS) as server, server.session(SUPERUSER) as session:
        said = session.run(f"set client_min_messages = error; {PROJECT}")
        assert not said, said
        assert "ERROR" not in session.run(SCRIPT)
        yield session


@pytest.mark.skipif(PROGRAMS is None, reason="needs a Postgres server: apt-get install postgresql")
@pytest.mark.parametrize("case", CASES)
def test_a_server_says_the_same(server: Session, case: Case) -> None:
    """Versions of Postgres write trees in different ways."""
    name, change, expected = case
    kind = "functions" if name in {"f", "inner"} else "relations"
    said = server.run(f"""
        begin; {change}; reset role;
        select 'said: ' || coalesce(one ->> 'differs', 'nothing') || ';'
        from json_array_elements(edge_cache.catalogue() -> '{kind}') as one
        where one ->> 'name' = '{name}';
        rollback
    """)
    assert "ERROR" not in said
    assert "said: " in said
    assert "said: nothing;" in said if expected is None else expected in said
