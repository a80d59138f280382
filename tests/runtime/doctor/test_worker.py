"""`npm run doctor` on a Worker with real faults: it names each, and the way out."""

from __future__ import annotations

import pytest
from edge import Edge, Variables
from patient import CONFIGURED, DECLARED, SECRET, Patient
from upstream import answering

from diagnosis import webhook
from local import stack


def test_everything_is_well(patient: Patient, worker: Edge) -> None:
    """Each declared thing has a line. Nothing warns, fails or is left out."""
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


@pytest.mark.usefixtures("impatient")
def test_nothing_private_is_printed(patient: Patient, worker: Edge) -> None:
    """It never prints the key, the secret, or anything of a row."""
    well = patient.examined("--worker", worker.url)
    patient.configure(REVALIDATE_SECRET="another secret")
    patient.run("update articles set title = 'changed unseen' where id = 1")
    ill = patient.examined("--worker", worker.url)
    for said in (well, ill):
        printed = said.output + said.progress
        private = (patient.key, SECRET, "another secret", "Title", "a row's own", "a b", "unseen")
        assert not [text for text in private if text in printed], printed


def test_a_worker_that_is_not_there_is_told_once(patient: Patient) -> None:
    """Nobody answers, or another server does. The project is checked all the same."""
    said = patient.examined("--worker", f"http://127.0.0.1:{stack.free_port()}")
    assert (said.status, len(said.of("fail"))) == (1, 1)
    assert "cannot be reached" in said.about("the Worker")
    assert said.about("public.articles").startswith("ok")
    said = patient.examined("--worker", patient.url)
    assert (said.status, len(said.of("fail"))) == (1, 1)
    assert "not this Worker" in said.about("the Worker")


def test_a_worker_says_what_it_lacks(patient: Patient, worker: Edge) -> None:
    """It lists each fault of its configuration, and the doctor asks nothing else."""
    worker.configure({"SUPABASE_URL": patient.url, "MAX_AGE_SECONDS": "soon"})
    said = patient.examined("--worker", worker.url)
    faults = said.of("fail")
    assert said.status == 1
    assert [line.split()[3] for line in faults] == ["SUPABASE_ANON_KEY", "MAX_AGE_SECONDS"]
    assert "wrangler secret put" in faults[0]


def test_other_declarations_are_noticed(patient: Patient, worker: Edge) -> None:
    """The names of tables differ, or reads of a view or function are not cached."""
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


@pytest.mark.usefixtures("impatient")
def test_another_public_key_is_noticed(
    patient: Patient, worker: Edge, variables: Variables
) -> None:
    """All its readers would be passed on."""
    patient.configure(REVALIDATE_SECRET="")
    another = {"SUPABASE_ANON_KEY": "sb_publishable_another"}
    worker.configure({**variables, **CONFIGURED, **another})
    said = patient.examined("--worker", worker.url)
    assert "differs from the one here" in said.about("public.articles through the Worker")


def test_another_secret_is_noticed(patient: Patient, worker: Edge) -> None:
    """The Worker's secret is not the one here, which Vault has."""
    patient.configure(REVALIDATE_SECRET="the new one")
    patient.run("update vault.secrets set secret = 'the new one'")
    said = patient.examined("--worker", worker.url)
    assert said.status == 1
    assert "wrangler secret put REVALIDATE_SECRET" in said.about("a webhook")
    assert len(said.of("fail")) == 1


@pytest.mark.usefixtures("impatient")
def test_a_webhook_that_is_not_carried_out_fails(
    patient: Patient, worker: Edge, supabase: stack.Supabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Worker accepts it, but Supabase does not answer the Worker any more."""
    monkeypatch.setattr(webhook, "DEADLINE_S", 3.0)
    patient.examined("--worker", worker.url)
    patient.upstream.always = answering(503)
    said = patient.examined("--worker", worker.url, "--url", supabase.url)
    assert said.status == 1
    assert "did not carry it out within 3 s. Supabase answered 503." in said.about("a webhook")
    assert len(said.of("fail")) == 1


def test_a_worker_whom_the_database_refuses_is_noticed(patient: Patient, worker: Edge) -> None:
    """Its cron trigger uses another secret than Vault's, so lost webhooks stay lost."""
    patient.run("update vault.secrets set secret = 'the new one'")
    worker.tick()
    said = patient.examined("--worker", worker.url)
    assert "supabase-rejected" in said.of("warn")[0]
    assert "edge_cache_secret in Vault" in said.of("warn")[0]


@pytest.mark.usefixtures("impatient")
def test_what_is_outdated_is_noticed(patient: Patient, worker: Edge) -> None:
    """The outbox lost a change. Once somebody revalidates, all is well."""
    patient.examined("--worker", worker.url)
    worker.evict()  # else the next webhook waits for its turn, in which popular answers are read
    patient.run("update articles set title = 'edited' where id = 1; truncate edge_cache.outbox")
    said = patient.examined("--worker", worker.url)
    assert said.status == 1
    assert "differs from Supabase in 1 row." in said.about("/articles")
    assert "GET /revalidate" in said.about("/articles")
    worker.get("/revalidate", authorization=f"Bearer {SECRET}").raise_for_status()
    worker.evict()
    assert patient.examined("--worker", worker.url).status == 0
