"""`npm run doctor` on a project with real faults: it names each, and the way out."""

from __future__ import annotations

import threading

import pytest
import scripted
from patient import DECLARED, SECRET, Patient, as_postgrest
from upstream import Act, Handler, answering, holding

from local import stack


def where(part: str, act: Act) -> Act:
    """Return an act for requests whose path has a part; all others are passed on."""

    def acting(handler: Handler) -> None:
        (act if part in handler.path else as_postgrest)(handler)

    return acting


def test_without_a_worker_and_the_secret_it_says_what_was_not_checked(patient: Patient) -> None:
    """It also says how to check that. A check that was left out does not fail."""
    patient.configure(REVALIDATE_SECRET="")
    said = patient.examined()
    assert said.status == 0, said.output
    assert "REVALIDATE_SECRET" in said.about("edge_cache_check")
    assert "--worker" in said.about("the Worker")
    assert len(said.of("skip")) == 2


def test_an_address_where_nobody_answers_is_told_once(patient: Patient) -> None:
    """Nothing else is asked of it."""
    said = patient.examined("--url", f"http://127.0.0.1:{stack.free_port()}")
    assert said.status == 1
    assert said.about("the project").startswith("fail")
    assert "Data API" in said.about("the project")
    assert len(said.of("fail")) == 1


def test_another_server_is_no_project(patient: Patient) -> None:
    """The server may be a page or another API."""
    for body, media_type in ((b"<html>", "text/html"), (b"[]", "application/json")):
        patient.upstream.always = answering(200, body, content_type=media_type)
        assert "no Supabase project" in patient.examined().about("the project")


def test_a_wrong_key_is_named_with_its_place(patient: Patient) -> None:
    """The fault is listed once, with the page that has the right key."""
    said = patient.examined(SUPABASE_ANON_KEY="sb_publishable_of_another_project")
    assert said.status == 1
    assert "from the environment is no key of" in said.about("the project")
    assert "API Keys" in said.about("the project")
    assert len(said.of("fail")) == 1


@pytest.mark.parametrize("given", ["sb_secret_local_only", ""])
def test_a_secret_key_and_none_are_refused(patient: Patient, given: str) -> None:
    """The doctor asks nothing with such a key."""
    patient.configure(SUPABASE_ANON_KEY=given)
    said = patient.examined()
    assert said.status == 1
    assert "SUPABASE_ANON_KEY" in said.about("the configuration")
    assert patient.upstream.requests == []
    assert "local_only" not in said.output


@pytest.mark.parametrize(
    ("declared", "subject", "expected"),
    [
        ({"missing": {}}, "public.missing", "PGRST205"),
        ({"missing": {"view": True}}, "public.missing", "PGRST205"),
        ({"notices": {"schema": "nowhere"}}, "nowhere.notices", "Expose the schema"),
        ({"notices": {}}, "public.notices", "no such column"),
        ({"twins": {}}, "public.twins", "2 rows, but 1 value"),
    ],
)
def test_what_is_declared_and_cannot_be_served_fails(
    patient: Patient, declared: dict[str, object], subject: str, expected: str
) -> None:
    """There is no such table, view or key column, the schema is another one, or keys repeat."""
    patient.run("insert into twins values (1, 'Castor'), (1, 'Pollux')")
    patient.declare({**DECLARED, **declared})
    said = patient.examined()
    assert said.status == 1
    assert said.about(subject).startswith("fail")
    assert expected in said.about(subject)
    assert len(said.of("fail")) == 1


def test_a_table_that_the_public_key_may_not_read_fails(patient: Patient) -> None:
    """The doctor prints the statement that grants it."""
    patient.run("revoke select on notices from anon")
    patient.configure(REVALIDATE_SECRET="")
    said = patient.examined()
    assert said.status == 1
    assert said.about("public.notices").startswith("fail")
    assert "grant select on public.notices to anon" in said.about("public.notices")


def test_a_missing_function_looks_like_one_with_arguments(patient: Patient) -> None:
    """The public key cannot know whether it is missing or takes arguments."""
    patient.declare({"titles_like": {"function": True}, "nothing": {"function": True}})
    said = patient.examined()
    assert said.status == 0
    assert "public.titles_like" in said.of("skip")[0]


def test_a_table_without_a_visible_row_is_suspicious(patient: Patient) -> None:
    """Row level security without a policy looks the same as an empty table."""
    patient.run("truncate articles")
    said = patient.examined()
    assert said.status == 0
    assert said.about("public.articles").startswith("warn")
    assert "policy" in said.about("public.articles")


def test_a_long_table_needs_the_function(patient: Patient) -> None:
    """With the function, the table is read whole; without it, the doctor warns."""
    patient.run("insert into articles (id, title) select n, '' from generate_series(4, 1001) n")
    assert "1,001 rows" in patient.examined().about("public.articles")
    patient.upstream.has_function = False
    said = patient.examined()
    assert said.about("public.articles").startswith("warn")
    assert "npm run --silent sql" in said.about("public.articles")


def test_the_projects_sql_is_missed(patient: Patient) -> None:
    """All of it may be missing, or a part. The doctor says what it cannot know without it."""
    patient.declare({"articles": {}})
    patient.upstream.has_script = False
    said = patient.examined()
    assert said.status == 0
    assert said.about("the project's SQL").startswith("warn")
    assert "not there: edge_cache_changes, edge_cache_check" in said.about("the project's SQL")
    assert "npm run --silent sql" in said.about("the project's SQL")
    assert "this command cannot see" in said.about("edge_cache_check")
    patient.upstream.has_function = False
    assert "not there: edge_cache_snapshot" in patient.examined().about("the project's SQL")


@pytest.mark.parametrize(
    ("statement", "subject", "expected"),
    [
        ("alter table articles disable row level security", "public.articles: Row", "enable row"),
        (
            "alter table articles disable trigger all",
            "public.articles: It has no enabled trigger",
            "--silent sql",
        ),
        ("delete from vault.secrets where name = 'edge_cache_url'", "Vault", "create_secret"),
    ],
)
def test_what_the_database_finds_is_told(
    patient: Patient, statement: str, subject: str, expected: str
) -> None:
    """Row level security is off, triggers are missing, or there is no address to notify."""
    patient.run(statement)
    said = patient.examined()
    assert said.about(subject).startswith("fail")
    assert expected in said.about(subject)
    assert said.status == 1


def test_a_declaration_that_the_script_does_not_know_is_told(patient: Patient) -> None:
    """The script was not run again after src/tables.toml was changed."""
    patient.declare({**DECLARED, "twins": {"watch": True}})
    said = patient.examined()
    assert said.status == 1
    assert said.of("fail") == [said.about("public.twins: it lacks the triggers")]


def test_a_project_may_only_watch(patient: Patient) -> None:
    """The project is there and accepts the key. No table needs the function that reads a table."""
    patient.declare({"Hidden Läden": {"watch": True}})
    said = patient.examined()
    assert said.status == 0, said.output
    assert "takes the key" in said.about("the project:")
    assert "edge_cache_snapshot" not in said.about("the project's SQL")


def test_what_may_go_stale_unseen_is_a_warning(patient: Patient) -> None:
    """Perhaps the user wants it so."""
    patient.run("""
        create materialized view selected as select 'a b/c' as slug;
        grant select on selected to anon;
        create policy more on notices to anon using (slug in (select slug from selected));
    """)
    said = patient.examined()
    assert "That is a materialised view: its changes fire no trigger." in said.of("warn")[0]
    assert said.status == 0


def test_a_key_that_need_not_be_unique_is_told(patient: Patient) -> None:
    """The doctor says so even while all values differ: the public key cannot see the constraint."""
    tables: dict[str, object] = {"twins": {}}
    scripted.install(patient.database, tables)
    patient.run("insert into twins values (1, 'Castor'), (2, 'Pollux')")
    patient.declare(tables)
    said = patient.examined()
    assert "has no unique index of its own" in said.of("fail")[0]
    assert "add unique (id)" in said.of("fail")[0]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("update vault.secrets set secret = 'another'", "differs from edge_cache_secret"),
        ("truncate vault.secrets", "Vault has no"),
    ],
)
def test_vault_and_here_differ(patient: Patient, statement: str, expected: str) -> None:
    """Vault has another secret, or none."""
    patient.run(statement)
    said = patient.examined()
    assert said.status == 1
    assert expected in said.about("edge_cache_check")


def test_a_slow_table_keeps_nothing_else(patient: Patient) -> None:
    """After the time limit, its own line says so. The other lines do not change."""
    examined = threading.Event()
    patient.upstream.always = where("notices?select=*&order", holding(examined))
    patient.declare(DECLARED, "[vars]\nSUPABASE_TIMEOUT_SECONDS = 5\n")
    said = patient.examined()
    examined.set()
    assert "within 5 s (SUPABASE_TIMEOUT_SECONDS)" in said.about("public.notices")
    assert said.about("public.articles").startswith("ok")


def test_an_environment_has_its_own_variables(patient: Patient) -> None:
    """As in Wrangler, it has nothing of the top level, and .dev.vars.NAME replaces .dev.vars.

    So its tables may be declared there, as in version 0.2.0. A warning says where they belong.
    """
    patient.declare(DECLARED, "[env.staging.vars.TABLES]\ntwins = {}\n")
    patient.configure(".dev.vars.staging", REVALIDATE_SECRET="")
    said = patient.examined("--env", "staging")
    assert "from .dev.vars.staging" in said.about("the project:")
    assert "(under env.staging.vars) and replaces src/tables.toml" in said.about("the declaration")
    assert "public.twins" in said.output
    assert "public.articles" not in said.output
    wrong = patient.examined("--env", "stage")
    assert wrong.status == 2
    assert "no environment 'stage'" in wrong.progress


@pytest.mark.parametrize("given", [["--secret", SECRET], [f"--secret={SECRET}"], [SECRET]])
def test_the_secret_is_no_argument(patient: Patient, given: list[str]) -> None:
    """It is refused, and the refusal does not repeat it."""
    said = patient.examined(*given)
    assert said.status == 2
    assert "REVALIDATE_SECRET" in said.progress
    assert SECRET not in said.output + said.progress


def test_it_tells_its_options(patient: Patient) -> None:
    """--help lists them. A Worker's address has to be a URL."""
    said = patient.examined_by_command("--help")
    assert said.status == 0
    assert "--worker" in said.output
    for address in ("cache.example.com", "http://cache.example.com", "https://cache.example/?a"):
        assert patient.examined("--worker", address).status == 2
