"""How the doctor judges answers that no server on this machine can give."""

from __future__ import annotations

import httpx
import pytest

from diagnosis import address, declared, health, installed, naming, others, webhook
from diagnosis.findings import Finding, Verdict, fail, in_environment, merged, ok
from diagnosis.report import line, summary
from diagnosis.worker import Worker
from edge_cache.errors import UpstreamRejected
from edge_cache.tables import Declared, Table, declared_by
from shared import edge_sql
from shared.terminal import wants_colour

PLACES = {"SUPABASE_URL": ".dev.vars", "SUPABASE_ANON_KEY": "the environment"}
TOLD = {"serving": True, "cached": True, "failures": 0, "last_error": None}


def error(status: int, code: str, **more: str) -> httpx.Response:
    """Return an error as PostgREST sends it."""
    return httpx.Response(status, json={"code": code, **more})


def checkup(**report: object) -> health.Checkup:
    """Return the findings for a healthy Worker's report with these members changed."""
    members = {"status": "ok", "configuration": "ok", "tables": {"a": TOLD}, "project": {}}
    answer = httpx.Response(200, json=members | report)
    return health.judge(answer, Declared((Table("a"),)))


def test_a_function_with_arguments_is_known_by_postgrests_hint() -> None:
    """The hint names it with its arguments. Another name in the hint is only similar."""
    hint = "Perhaps you meant to call the function public.search({}query)"
    found = error(404, "PGRST202", hint=hint.format(""))
    assert others.judge("public.search", found).verdict is Verdict.OK
    similar = error(404, "PGRST202", hint=hint.format("").replace("search", "searches"))
    assert others.judge("public.search", similar).verdict is Verdict.SKIP


@pytest.mark.parametrize("status", [204, 203, 302])
def test_a_function_may_choose_its_status(status: int) -> None:
    """Then the address is not to blame either."""
    answer = httpx.Response(status, headers={"content-range": "*/*", "location": "/x"})
    assert others.judge("public.ping", answer).verdict is Verdict.OK
    assert address.judge(answer, "https://x", PLACES).verdict is Verdict.OK


def test_names_can_be_pasted_into_sql() -> None:
    """They are quoted in the way that Postgres quotes them."""
    assert naming.named("rpc/search", "public") == "public.search"
    assert naming.named('The "Events"', "agenda-2") == '"agenda-2"."The ""Events"""'
    refused = UpstreamRejected("Supabase answered 401.", supabase_status=401, code="42501")
    advice = naming.way_out(refused, naming.named("my-table", "public"))
    assert 'grant select on public."my-table" to anon' in advice


def test_a_function_that_writes_is_not_read() -> None:
    """PostgREST runs a GET in a transaction that may only read."""
    finding = others.judge("public.count_up", error(405, "25006"))
    assert (finding.verdict, "stable" in finding.advice) == (Verdict.FAIL, True)


def test_a_worker_of_this_kind_is_no_project() -> None:
    """A Worker whose Supabase is a Worker like itself could answer nobody."""
    headers = {"cache-status": "supabase-edge-cache; hit", "content-range": "0-0/*"}
    finding = address.judge(httpx.Response(200, json=[], headers=headers), "https://x", PLACES)
    assert (finding.verdict, "a Worker of this kind" in finding.said) == (Verdict.FAIL, True)


def test_a_table_that_is_declared_and_not_watched_is_named() -> None:
    """Somebody changed the declaration and did not run the script again."""
    told = {"cursor": "c", "complete": False, "changes": [], "watched": [["public", "a"]]}
    wanted = Declared((Table("a"), Table("a", schema="other")), watched=(("b", "public"),))
    findings = installed.unwatched(httpx.Response(200, json=told), wanted)
    assert [(finding.verdict, finding.subject) for finding in findings] == [
        (Verdict.FAIL, "other.a"),
        (Verdict.FAIL, "public.b"),
    ]
    assert installed.unwatched(error(403, "28P01"), wanted) == []


def test_a_script_of_another_version_is_a_warning() -> None:
    """The database says which script ran last. 0.2.0 said nothing."""
    wanted = Declared((Table("articles"),))
    for script in (edge_sql.identity(Declared((Table("events"),))), None):
        answer = httpx.Response(200, json={"script": script})
        (finding,) = installed.another_script(answer, wanted)
        assert finding.verdict is Verdict.WARN
        assert finding.said == installed.ANOTHER_SCRIPT
    same = httpx.Response(200, json={"script": edge_sql.identity(wanted)})
    assert installed.another_script(same, wanted) == []
    assert installed.another_script(error(403, "28P01"), wanted) == []


def test_a_redirect_is_no_project() -> None:
    """It is not followed with a key."""
    moved = httpx.Response(301, headers={"location": "https://example.com"})
    finding = address.judge(moved, "https://x.supabase.co", PLACES)
    assert (finding.verdict, "redirect" in finding.said) == (Verdict.FAIL, True)


@pytest.mark.parametrize("code", ["PGRST301", "PGRST302", "PGRST303"])
def test_a_legacy_key_that_cannot_be_verified_is_a_wrong_key(code: str) -> None:
    """PostgREST looks at it, where a gateway looks at publishable keys."""
    finding = address.judge(error(401, code), "https://x.supabase.co", PLACES)
    assert "from the environment is no key" in finding.said


@pytest.mark.parametrize(("status", "code"), [(404, "PGRST205"), (401, "42501"), (400, "42703")])
def test_an_error_of_the_api_is_an_answer(status: int, code: str) -> None:
    """PostgREST's error shows that the project is there and accepts the key."""
    finding = address.judge(error(status, code), "https://x.supabase.co", PLACES)
    assert finding.verdict is Verdict.OK


def test_a_check_of_another_shape_is_not_taken_for_findings() -> None:
    """It is not printed either, because its content is unknown."""
    finding = {"severity": "error", "object": "public.a", "finding": 1, "advice": "x"}
    answer = httpx.Response(200, json=[finding])
    with pytest.raises(Exception, match="something else than findings"):
        installed.judge(answer, has_secret=True)


def test_what_signed_in_readers_get_is_no_fault() -> None:
    """The check says it of each table. If it says nothing else, all is well."""
    told = {"severity": "info", "object": "public.a", "finding": "It is shared.", "advice": "None."}
    findings = installed.judge(httpx.Response(200, json=[told]), has_secret=True)
    assert [(one.verdict, one.subject) for one in findings] == [
        (Verdict.OK, "edge_cache_check"),
        (Verdict.OK, "signed in, public.a"),
    ]
    wrong = {**told, "severity": "warning"}
    findings = installed.judge(httpx.Response(200, json=[wrong, told]), has_secret=True)
    assert [one.verdict for one in findings] == [Verdict.WARN, Verdict.OK]


def test_a_check_that_fails_says_how() -> None:
    """Its own errors are about the secret. All other errors show their status and code."""
    with pytest.raises(UpstreamRejected, match="42P01"):
        installed.judge(error(404, "42P01"), has_secret=True)
    assert installed.judge(error(403, "28000"), has_secret=False)[0].verdict is Verdict.FAIL


@pytest.mark.parametrize("body", ["", "<html>", "[]", '{"configuration": "ok"}', "[" * 100_000])
def test_what_is_no_report_is_not_this_worker(body: str) -> None:
    """It may be a page or another API, and its JSON may be deeply nested."""
    found = health.judge(httpx.Response(200, text=body), Declared())
    assert (found.tables, len(found.findings)) == (None, 1)
    assert "not this Worker" in found.findings[0].said


def test_a_table_that_readers_cannot_get_fails() -> None:
    """If readers get it from KV, it is only a warning."""
    failing = {**TOLD, "failures": 2, "last_error": "supabase-timeout"}
    [_, warning] = checkup(tables={"a": failing}).findings
    assert (warning.verdict, "2 reads" in warning.said) == (Verdict.WARN, True)
    assert "supabase-timeout" in warning.said
    [failure] = checkup(tables={"a": {**failing, "serving": False}}).findings
    assert failure.verdict is Verdict.FAIL


def test_what_the_worker_cannot_tell_fails() -> None:
    """If KV or an object does not answer, the report has a problem in place of the members."""
    problem = {"serving": False, "cached": None, "error": {"detail": "KV did not answer."}}
    [failure] = checkup(tables={"a": problem}).findings
    assert (failure.subject, failure.said) == ("the Worker, /a", "KV did not answer.")
    [failure] = checkup(project={"error": {}}).findings
    assert failure.verdict is Verdict.FAIL


def test_a_worker_without_a_secret_takes_no_webhook() -> None:
    """The Worker's report says so, even if there is a secret here."""
    [failure] = checkup(revalidation="closed").findings
    assert "secret put REVALIDATE_SECRET" in failure.advice
    assert checkup(revalidation="secret").findings[0].verdict is Verdict.OK


def test_a_worker_on_this_machine_without_a_secret_hears_of_no_edit() -> None:
    """The outbox asks for the secret, even if the Worker takes webhooks without one."""
    [_, warning] = checkup(revalidation="open").findings
    assert (warning.verdict, "of edits" in warning.said) == (Verdict.WARN, True)


@pytest.mark.parametrize(
    "kind", ["supabase-unreachable", "supabase-timeout", "supabase-unavailable"]
)
def test_an_outage_is_no_matter_of_the_secret(kind: str) -> None:
    [_, warning] = checkup(project={"outbox": {"error": kind}}).findings
    assert (warning.verdict, "REVALIDATE_SECRET" in warning.advice) == (Verdict.WARN, False)
    assert "status.supabase.com" in warning.advice


@pytest.mark.parametrize(
    ("secret", "verdict", "said"),
    [
        ("good", Verdict.SKIP, "no declared table can be read"),
        ("two\nlines", Verdict.FAIL, "no header can have this secret"),
    ],
)
async def test_a_webhook_that_cannot_be_sent_says_why(
    secret: str, verdict: Verdict, said: str
) -> None:
    """The secret itself is not shown."""
    async with httpx.AsyncClient() as http:
        finding = await webhook.check(Worker(http, "http://127.0.0.1:1"), [], secret)
    assert (finding.verdict, said in finding.said) == (verdict, True)


def test_an_outbox_that_refuses_the_worker_is_warned_of() -> None:
    """In this case the Worker does not find lost webhooks."""
    outbox = {"installed": True, "asked_at": None, "error": "supabase-rejected"}
    [_, warning] = checkup(project={"outbox": outbox}).findings
    assert (warning.verdict, "supabase-rejected" in warning.said) == (Verdict.WARN, True)


def test_an_operators_word_is_repeated_as_a_warning() -> None:
    tables = '{"a": {"signed_in": "public"}, "b": {"signed_in": "pass"}, "c": {}}'
    (warning,) = declared.promises(declared_by(tables))
    assert (warning.subject, warning.verdict) == ("public.a", Verdict.WARN)


def test_tables_that_no_trigger_watches_are_warned_of() -> None:
    outbox = {"installed": True, "error": None, "unwatched": ["public.comments"]}
    [_, warning] = checkup(project={"outbox": outbox}).findings
    assert (warning.verdict, "public.comments" in warning.said) == (Verdict.WARN, True)


def test_the_reason_of_a_bypass_is_read_from_its_own_member() -> None:
    """A cache before or behind the Worker has members of its own there."""
    bypass = "cdn; hit, supabase-edge-cache; fwd=bypass; fwd-status=200; detail=range"
    answer = httpx.Response(200, headers={"cache-status": bypass}, json=[])
    assert "range" in declared.judge("x", answer).said
    hit = "cdn; fwd=bypass; detail=key, supabase-edge-cache; hit; ttl=299"
    answer = httpx.Response(200, headers={"cache-status": hit}, json=[])
    assert declared.judge("x", answer).verdict is Verdict.OK


def test_a_read_that_fails_is_no_answer_of_the_cache() -> None:
    """But Supabase's own errors are: a function that takes arguments answers with one."""
    finding = declared.judge("x", error(502, "EDGE_SUPABASE_UNREACHABLE"))
    assert (finding.verdict, "EDGE_SUPABASE_UNREACHABLE" in finding.said) == (Verdict.FAIL, True)
    assert declared.judge("x", error(404, "PGRST202")).verdict is Verdict.OK


def test_what_is_refused_in_place_of_being_passed_on_fails() -> None:
    """If PASS_THROUGH is off, no `Cache-Status` says the reason."""
    finding = declared.judge("x", error(403, "EDGE_NOT_PASSED_ON"))
    assert (finding.verdict, "the Worker refuses it" in finding.said) == (Verdict.FAIL, True)


def test_one_fault_of_many_things_is_one_line() -> None:
    """Each thing that is well has its own line. The order stays the same."""
    found = [fail("a", "Broken.", "Mend it."), ok("b", "well."), fail("c", "Broken.", "Mend it.")]
    assert merged([*found, ok("d", "well.")]) == [
        fail("a, c", "Broken.", "Mend it."),
        ok("b", "well."),
        ok("d", "well."),
    ]


def test_commands_are_of_the_environment() -> None:
    """If somebody pastes one, it changes the Worker that the doctor looked at."""
    finding = fail("a", "Old.", "Run `npm run deploy`, see `npx wrangler tail`.")
    expected = "Run `npm run deploy -- --env staging`, see `npx wrangler tail --env staging`."
    assert in_environment(finding, "staging").advice == expected
    assert in_environment(finding, None) == finding


def test_the_word_comes_first_and_colour_is_not_needed() -> None:
    """Only that word has colour, and only if the terminal's owner wants colour."""
    finding = Finding(Verdict.WARN, "a", "Slow.", "Wait.")
    assert line(finding, coloured=False) == "warn  a: Slow. Wait."
    assert line(finding, coloured=True) == "\033[33mwarn  \033[0ma: Slow. Wait."
    assert wants_colour({"TERM": "xterm"}, is_terminal=True)
    assert not wants_colour({"TERM": "xterm"}, is_terminal=False)
    assert not wants_colour({"TERM": "xterm", "NO_COLOR": "1"}, is_terminal=True)
    assert not wants_colour({"TERM": "dumb"}, is_terminal=True)


def test_the_summary_counts() -> None:
    """One finding is counted in the singular."""
    found = [ok("a", "."), Finding(Verdict.WARN, "b", "."), fail("c", ".", "")]
    assert summary(found) == "1 ok, 1 warning, 1 failure, 0 not checked."
