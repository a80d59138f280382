"""What `npm run setup` does is decided by what it found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from production.names import DATABASE_URL, KEY, SECRET, URL, VAULT_SECRET, VAULT_URL, WORKER_URL
from production.plan import Database, Found, Known, Wanted, Worker, plan, unpushed
from production.steps import (
    Ask,
    Deploy,
    FillVault,
    Keep,
    LogIn,
    RunScript,
    Step,
    WriteMigration,
    WritePaste,
)
from shared.failure import Failure

WANTED = Wanted("cache-production", "source", "script")
SECRETS = "secrets"
FILE = Path(".dev.vars.production")
ADDRESS = "https://cache.example"
VALUES = {
    URL: "https://abcdefgh.supabase.co",
    KEY: "sb_publishable_a",
    SECRET: "not to be shown",
    DATABASE_URL: "postgresql://…",
    WORKER_URL: ADDRESS,
}
KNOWN = Known(VALUES, FILE)
VAULT = {VAULT_URL: f"{ADDRESS}/revalidate", VAULT_SECRET: VALUES[SECRET]}
WORKER = Worker("source-secrets", frozenset({URL, KEY, SECRET}))
DATABASE = Database("script", VAULT)
FOUND = Found("Somebody", WORKER, DATABASE, is_direct=True)
FOLDER = Path("supabase/migrations")


def left(known: Known = KNOWN, **found: object) -> tuple[Step, ...]:
    """Return the steps if this is found, and all else is as it should be."""
    return plan(WANTED, known, replace(FOUND, **found), SECRETS)  # type: ignore[arg-type]


def without(*names: str) -> Known:
    """Return what is known without these values."""
    return replace(KNOWN, values={n: value for n, value in VALUES.items() if n not in names})


def test_nothing_is_left_where_nothing_differs() -> None:
    """A slash at the end of the address makes no difference."""
    assert left() == ()
    assert left(replace(KNOWN, values={**VALUES, WORKER_URL: f"{ADDRESS}/"})) == ()


def test_an_empty_account_and_database_get_everything() -> None:
    """The address is known only after the deploy, and then it goes into Vault."""
    known = replace(without(WORKER_URL), to_keep=(SECRET,), secret_is_new=True)
    steps = left(known, worker=None, database=Database(None))
    assert [*map(type, steps)] == [Keep, Deploy, FillVault, RunScript]
    assert steps[1] == Deploy(
        "cache-production",
        "source-secrets",
        "it is not there yet, and brings its KV namespace and its objects",
        (URL, KEY, SECRET),
    )
    assert steps[2] == FillVault((VAULT_URL, VAULT_SECRET))
    assert "not to be shown" not in f"{steps} {known} {FOUND}" + "".join(map(str, steps))


@pytest.mark.parametrize(
    ("tag", "why"),
    [
        ("other-secrets", "another version"),
        ("source-others", "its secrets differ"),
        (None, "in another way"),
    ],
)
def test_another_version_is_replaced(tag: str | None, why: str) -> None:
    """A version without a tag was made by hand, such as by `wrangler secret put`."""
    (step,) = left(worker=replace(WORKER, tag=tag))
    assert isinstance(step, Deploy)
    assert why in step.why


@pytest.mark.parametrize(
    ("database", "step"),
    [
        (replace(DATABASE, script="other"), RunScript),
        (replace(DATABASE, script=None), RunScript),
        (replace(DATABASE, lacks_triggers=True), RunScript),
        (replace(DATABASE, vault={**VAULT, VAULT_SECRET: "other"}), FillVault),
        (replace(DATABASE, vault={**VAULT, VAULT_URL: "https://other.example"}), FillVault),
    ],
)
def test_what_differs_in_the_database_is_mended_alone(database: Database, step: type) -> None:
    assert [*map(type, left(database=database))] == [step]


def test_an_address_that_nobody_knows_stays_in_vault() -> None:
    """Only a deploy tells it, so a Vault without one needs a deploy."""
    assert left(without(WORKER_URL)) == ()
    steps = left(
        without(WORKER_URL), database=replace(DATABASE, vault={VAULT_SECRET: VALUES[SECRET]})
    )
    assert [*map(type, steps)] == [Deploy, FillVault]


def test_without_the_databases_address_there_is_one_thing_to_paste() -> None:
    """It has only what is missing."""
    known = without(DATABASE_URL)
    assert left(known, is_direct=False) == ()
    empty = Database(None)
    both = (VAULT_URL, VAULT_SECRET)
    assert left(known, is_direct=False, database=empty) == (WritePaste(both, has_script=True),)
    other = replace(DATABASE, script="other")
    assert left(known, is_direct=False, database=other) == (WritePaste((), has_script=True),)


def test_a_project_with_migrations_gets_one() -> None:
    """The secret is in none, because migrations are committed. A written one is not repeated."""
    known, empty = without(DATABASE_URL), Database(None)
    both = WritePaste((VAULT_URL, VAULT_SECRET), has_script=False)
    not_there = left(known, is_direct=False, database=empty, migrations=FOLDER)
    assert not_there == (WriteMigration(FOLDER), both)
    written = left(known, is_direct=False, database=empty, migrations=FOLDER, is_migrated=True)
    assert written == (both,)
    pushed = replace(FOUND, is_direct=False, migrations=FOLDER, is_migrated=True)
    assert unpushed(WANTED, replace(pushed, database=empty))
    assert not unpushed(WANTED, pushed)


def test_a_database_may_be_left_alone() -> None:
    """So CI deploys with the account's secrets alone. What the Worker has is kept."""
    known = Known({}, FILE)
    found = replace(FOUND, database=None)
    assert plan(WANTED, known, found, "") == ()
    (other,) = plan(replace(WANTED, source="other"), known, found, "")
    assert isinstance(other, Deploy)
    assert other.tag == "other-secrets"
    (step,) = left(known, database=None, worker=replace(WORKER, tag=None))
    assert isinstance(step, Deploy)
    assert step.secrets == ()


def test_what_wrangler_toml_sets_is_no_secret() -> None:
    """Wrangler refuses a secret and a variable of one name."""
    known = replace(KNOWN, in_config=frozenset({URL}))
    (step,) = left(known, worker=None)
    assert isinstance(step, Deploy)
    assert step.secrets == (KEY, SECRET)


def test_a_worker_that_would_lack_a_value_is_not_deployed() -> None:
    """The sentence says which, and where it should be."""
    with pytest.raises(Failure, match=r"^SUPABASE_URL and SUPABASE_ANON_KEY must .+\.production"):
        left(without(URL, KEY), worker=None)
    assert left(replace(without(URL, KEY), to_ask=(URL, KEY)), worker=None)


def test_a_dry_run_shows_what_it_would_ask() -> None:
    """It asks nobody, and does not log in."""
    known = replace(without(*VALUES), to_ask=(URL, KEY, DATABASE_URL), values={SECRET: "new"})
    steps = left(known, account=None, worker=None, database=Database(None))
    assert [*map(type, steps)][:2] == [LogIn, Ask]
    assert str(steps[1]) == "Ask for SUPABASE_URL, SUPABASE_ANON_KEY and SUPABASE_DB_URL."
