"""`npm run doctor`, with each fault really made: it names the fault, and the way out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from edge import Kv, StartWorker
from patient import DECLARED, SCRIPT, SECRET, Patient, as_postgrest
from upstream import Act, Handler, Server, after, answering, forward, serving

from edge_cache.tables import declared_in
from local import stack
from shared import edge_sql
from shared.project import ROOT

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def project_supabase(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stack.Supabase]:
    """Return a Supabase in which the script's objects are; what it inserts comes later."""
    schemas = tmp_path_factory.mktemp("schemas")
    files = ("doctor/project.sql", "stand_ins.sql", "doors.sql")
    texts = [(HERE / file).read_text() for file in files]
    (schemas / "project.sql").write_text("\n".join([*texts, SCRIPT]))
    folder = tmp_path_factory.mktemp("doctor")
    running = stack.start_supabase(folder, stack.free_port(), more_schemas=schemas)
    yield running
    running.process.stop()


@pytest.fixture(scope="module")
def remote(project_supabase: stack.Supabase) -> Iterator[Server]:
    """Return the server that stands before it, which has bad days."""
    with serving(project_supabase.url) as server:
        yield server


@pytest.fixture(scope="module")
def served(start_worker: StartWorker, remote: Server) -> stack.Worker:
    """Return a Worker in front of it, as production has one."""
    variables = {"TABLES": json.dumps(DECLARED), "REVALIDATE_SECRET": SECRET}
    return start_worker({"SUPABASE_URL": remote.url, **variables})


@pytest.fixture
def patient(tmp_path: Path, project_supabase: stack.Supabase, remote: Server) -> Iterator[Patient]:
    """Return a project in which everything is as it should be."""
    headers = {"apikey": project_supabase.secret_key}
    url, key = f"{project_supabase.url}/rest/v1", project_supabase.publishable_key
    with httpx.Client(base_url=url, headers=headers, timeout=60) as api:
        patient = Patient(tmp_path, api, remote.script, remote.url, key)
        patient.recover()
        yield patient


@pytest.fixture
def worker(served: stack.Worker) -> stack.Worker:
    """Return that Worker with nothing in KV and in its objects."""
    with httpx.Client(base_url=served.url, timeout=60) as http:
        http.post("/__reset").raise_for_status()
        Kv(http).clear()
    return served


def where(part: str, act: Act) -> Act:
    """Return an act for requests whose path has a part; all others are passed on."""

    def acting(handler: Handler) -> None:
        (act if part in handler.path else as_postgrest)(handler)

    return acting


def test_everything_is_well(patient: Patient, worker: stack.Worker) -> None:
    """Each thing that is declared has its line, and nothing warns, fails or is left out."""
    said = patient.examined("--worker", worker.url)
    assert said.status == 0, said.output
    assert not said.of("warn") + said.of("fail") + said.of("skip"), said.output
    assert "3 rows" in said.about("public.articles:")
    assert "from .dev.vars" in said.about("the project:")
    assert "carried it out" in said.about("a webhook:")
    posts = ('public."Odd Posts":', "/posts:")
    for subject in (
        "public.notices:",
        "public.titles:",
        "public.latest_title:",
        "/notices:",
        *posts,
    ):
        assert said.about(subject).startswith("ok")
    assert f"{len(said.of('ok'))} ok, 0 warnings, 0 failures, 0 not checked." in said.output


def test_nothing_private_is_printed(patient: Patient, worker: stack.Worker) -> None:
    """Neither the key, nor the secret, nor anything of a row, whatever happens."""
    well = patient.examined("--worker", worker.url)
    patient.configure(REVALIDATE_SECRET="another secret")
    patient.run("update articles set title = 'changed unseen' where id = 1")
    ill = patient.examined("--worker", worker.url)
    for said in (well, ill):
        printed = said.output + said.progress
        private = (patient.key, SECRET, "another secret", "Title", "a row's own", "a b", "unseen")
        assert not [text for text in private if text in printed], printed


def test_without_a_worker_and_the_secret_it_says_what_was_not_checked(patient: Patient) -> None:
    """With the way to do so; what was not checked does not fail."""
    patient.configure(REVALIDATE_SECRET="")
    said = patient.examined()
    assert said.status == 0, said.output
    assert "REVALIDATE_SECRET" in said.about("edge_cache_check")
    assert "--worker" in said.about("the Worker")
    assert len(said.of("skip")) == 2


def test_an_address_where_nobody_answers_is_told_once(patient: Patient) -> None:
    """And nothing else is asked of it."""
    said = patient.examined("--url", f"http://127.0.0.1:{stack.free_port()}")
    assert said.status == 1
    assert said.about("the project").startswith("fail")
    assert "Data API" in said.about("the project")
    assert len(said.of("fail")) == 1


def test_another_server_is_no_project(patient: Patient) -> None:
    """A page, or another API, is not taken for one."""
    for body, media_type in ((b"<html>", "text/html"), (b"[]", "application/json")):
        patient.upstream.always = answering(200, body, content_type=media_type)
        assert "no Supabase project" in patient.examined().about("the project")


def test_a_wrong_key_is_named_with_its_place(patient: Patient) -> None:
    """Told once, with the page that has the right one."""
    said = patient.examined(SUPABASE_ANON_KEY="sb_publishable_of_another_project")
    assert said.status == 1
    assert "from the environment is no key of" in said.about("the project")
    assert "API Keys" in said.about("the project")
    assert len(said.of("fail")) == 1


@pytest.mark.parametrize("given", ["sb_secret_local_only", ""])
def test_a_secret_key_and_none_are_refused(patient: Patient, given: str) -> None:
    """Before anything is asked with them."""
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
    """No such table or view, another schema, no such key column, one whose values repeat."""
    patient.run("insert into twins values (1, 'Castor'), (1, 'Pollux')")
    patient.declare({**DECLARED, **declared})
    said = patient.examined()
    assert said.status == 1
    assert said.about(subject).startswith("fail")
    assert expected in said.about(subject)
    assert len(said.of("fail")) == 1


def test_a_table_that_the_public_key_may_not_read_fails(patient: Patient) -> None:
    """With the statement that grants it."""
    patient.run("revoke select on notices from anon")
    patient.configure(REVALIDATE_SECRET="")
    said = patient.examined()
    assert said.status == 1
    assert said.about("public.notices").startswith("fail")
    assert "grant select on public.notices to anon" in said.about("public.notices")


def test_a_function_that_is_not_there_cannot_be_told(patient: Patient) -> None:
    """From one that takes arguments, which the public key alone does not learn."""
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
    """With it, the table is read whole; without, that is warned of."""
    patient.run("insert into articles (id, title) select n, '' from generate_series(4, 1001) n")
    assert "1,001 rows" in patient.examined().about("public.articles")
    patient.upstream.has_function = False
    said = patient.examined()
    assert said.about("public.articles").startswith("warn")
    assert "npm run --silent sql" in said.about("public.articles")


def test_the_projects_sql_is_missed(patient: Patient, supabase: stack.Supabase) -> None:
    """All of it, or a part; what it would tell is said to be unknown."""
    patient.declare({"articles": {}})
    said = patient.examined("--url", supabase.url)
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
    """Row level security that is off, triggers that are not there, no address to tell."""
    patient.run(statement)
    said = patient.examined()
    assert said.about(subject).startswith("fail")
    assert expected in said.about(subject)
    assert said.status == 1


def test_a_declaration_that_the_script_does_not_know_is_told(patient: Patient) -> None:
    """The script was not run again after wrangler.toml was changed."""
    patient.declare({**DECLARED, "twins": {"watch": True}})
    said = patient.examined()
    assert said.status == 1
    assert said.of("fail") == [said.about("public.twins: it lacks the triggers")]


def test_a_project_may_only_watch(patient: Patient) -> None:
    """The project is there and takes the key; no table needs the function that reads one."""
    patient.declare({"Hidden Läden": {"watch": True}})
    said = patient.examined()
    assert said.status == 0, said.output
    assert "takes the key" in said.about("the project:")
    assert "edge_cache_snapshot" not in said.about("the project's SQL")


def test_what_may_go_stale_unseen_is_a_warning(patient: Patient) -> None:
    """It may be meant to be so."""
    patient.run("create policy more on notices to anon using (slug in (select name from twins))")
    said = patient.examined()
    assert "Its rows depend on public.twins" in said.of("warn")[0]
    assert said.status == 0


def test_a_key_that_need_not_be_unique_is_told(patient: Patient) -> None:
    """Also while its values are, which the public key cannot tell from one that has to be."""
    tables: dict[str, object] = {"twins": {}}
    script = edge_sql.installing(declared_in(json.dumps(tables)))
    patient.run(script.replace("\nbegin;\n", "\n").replace("\ncommit;\n", "\n"))
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
    """Another secret, or none at all."""
    patient.run(statement)
    said = patient.examined()
    assert said.status == 1
    assert expected in said.about("edge_cache_check")


def test_a_slow_table_keeps_nothing_else(patient: Patient) -> None:
    """Its line says so, after the time limit; the others are as ever."""
    patient.upstream.always = where("notices?select=*&order", after(3, forward))
    text = (patient.folder / "wrangler.toml").read_text()
    (patient.folder / "wrangler.toml").write_text(f"{text}SUPABASE_TIMEOUT_SECONDS = 1\n")
    said = patient.examined()
    assert "in time" in said.about("public.notices")
    assert said.about("public.articles").startswith("ok")


def test_a_worker_that_is_not_there_is_told_once(patient: Patient, remote: Server) -> None:
    """Nobody, or somebody else; the project is looked at all the same."""
    said = patient.examined("--worker", f"http://127.0.0.1:{stack.free_port()}")
    assert (said.status, len(said.of("fail"))) == (1, 1)
    assert "cannot be reached" in said.about("the Worker")
    assert said.about("public.articles").startswith("ok")
    said = patient.examined("--worker", remote.url)
    assert (said.status, len(said.of("fail"))) == (1, 1)
    assert "not this Worker" in said.about("the Worker")


def test_a_worker_says_what_it_lacks(patient: Patient, start_worker: StartWorker) -> None:
    """Each fault of its configuration, and nothing more is asked."""
    worker = start_worker(only={"SUPABASE_URL": patient.url, "MAX_AGE_SECONDS": "soon"})
    said = patient.examined("--worker", worker.url)
    faults = said.of("fail")
    assert said.status == 1
    assert [line.split()[3] for line in faults] == ["SUPABASE_ANON_KEY", "MAX_AGE_SECONDS"]
    assert "wrangler secret put" in faults[0]


def test_other_declarations_are_noticed(patient: Patient, worker: stack.Worker) -> None:
    """Tables by their names, views and functions by what becomes of their reads."""
    more = {"authors": {}, "twins": {"view": True}}
    patient.declare({**more, **{k: v for k, v in DECLARED.items() if k != "notices"}})
    said = patient.examined("--worker", worker.url)
    assert said.status == 1
    told = said.about("the Worker:")
    assert "lacks authors" in told
    assert "serves notices" in told
    assert "npm run deploy" in told
    assert "does not declare it" in said.about("public.twins through the Worker")
    assert said.about("public.authors: it lacks the triggers").startswith("fail")
    assert len(said.of("fail")) == 3


def test_another_public_key_is_noticed(patient: Patient, start_worker: StartWorker) -> None:
    """Its readers would all be passed on."""
    patient.configure(REVALIDATE_SECRET="")
    variables = {"TABLES": json.dumps(DECLARED), "SUPABASE_ANON_KEY": "sb_publishable_another"}
    worker = start_worker({"SUPABASE_URL": patient.url, **variables})
    said = patient.examined("--worker", worker.url)
    assert "differs from the one here" in said.about("public.articles through the Worker")


def test_another_secret_is_noticed(patient: Patient, worker: stack.Worker) -> None:
    """The Worker's differs from the one here, which Vault has."""
    patient.configure(REVALIDATE_SECRET="the new one")
    patient.run("update vault.secrets set secret = 'the new one'")
    said = patient.examined("--worker", worker.url)
    assert said.status == 1
    assert "wrangler secret put REVALIDATE_SECRET" in said.about("a webhook")
    assert len(said.of("fail")) == 1


def test_a_webhook_that_is_not_carried_out_fails(
    patient: Patient, worker: stack.Worker, project_supabase: stack.Supabase
) -> None:
    """The Worker takes it, but Supabase does not answer the Worker any more."""
    patient.examined("--worker", worker.url)
    patient.upstream.always = answering(503)
    said = patient.examined("--worker", worker.url, "--url", project_supabase.url)
    assert said.status == 1
    assert "did not carry it out within 20 s. Supabase answered 503." in said.about("a webhook")
    assert len(said.of("fail")) == 1


def test_a_worker_whom_the_database_refuses_is_noticed(
    patient: Patient, worker: stack.Worker
) -> None:
    """Its cron trigger asks with another secret than Vault's, and lost webhooks stay lost."""
    patient.run("update vault.secrets set secret = 'the new one'")
    httpx.get(f"{worker.url}/cdn-cgi/local/scheduled", timeout=60).raise_for_status()
    said = patient.examined("--worker", worker.url)
    assert "supabase-rejected" in said.of("warn")[0]
    assert "edge_cache_secret in Vault" in said.of("warn")[0]


def test_what_is_out_of_date_is_noticed(patient: Patient, worker: stack.Worker) -> None:
    """A table whose webhook never came; once it has, all is well."""
    patient.examined("--worker", worker.url)
    patient.run("update articles set title = 'edited' where id = 1")
    said = patient.examined("--worker", worker.url)
    assert said.status == 1
    assert "differs from Supabase in 1 row." in said.about("/articles")
    assert "GET /revalidate" in said.about("/articles")
    headers = {"authorization": f"Bearer {SECRET}"}
    httpx.get(f"{worker.url}/revalidate", headers=headers, timeout=60).raise_for_status()
    assert patient.examined("--worker", worker.url).status == 0


def test_an_environment_has_its_own_tables_and_variables(patient: Patient) -> None:
    """As Wrangler has it: nothing of the top level, and .dev.vars.NAME in place of .dev.vars."""
    patient.declare({"twins": {}}, environment="staging")
    patient.configure(".dev.vars.staging", REVALIDATE_SECRET="")
    said = patient.examined("--env", "staging")
    assert "from .dev.vars.staging" in said.about("the project:")
    assert "public.twins" in said.output
    assert "public.articles" not in said.output
    wrong = patient.examined("--env", "stage")
    assert wrong.status == 2
    assert "no section [env.stage.vars.TABLES]" in wrong.progress


def test_the_projects_own_declaration_is_read(patient: Patient) -> None:
    """`[vars.TABLES]` as it stands in wrangler.toml."""
    (patient.folder / "wrangler.toml").write_text((ROOT / "wrangler.toml").read_text())
    assert patient.examined().about("public.articles").startswith("ok")


@pytest.mark.parametrize("given", [["--secret", SECRET], [f"--secret={SECRET}"], [SECRET]])
def test_the_secret_is_no_argument(patient: Patient, given: list[str]) -> None:
    """It is refused without being repeated."""
    said = patient.examined(*given)
    assert said.status == 2
    assert "REVALIDATE_SECRET" in said.progress
    assert SECRET not in said.output + said.progress


def test_it_tells_its_options(patient: Patient) -> None:
    """With --help; a Worker's address has to be one."""
    said = patient.examined("--help")
    assert said.status == 0
    assert "--worker" in said.output
    for address in ("cache.example.com", "http://cache.example.com", "https://cache.example/path"):
        assert patient.examined("--worker", address).status == 2
