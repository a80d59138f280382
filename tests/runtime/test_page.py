"""The page for people, as a browser shows it: every state, from the real Worker."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import ELSEWHERE, Visitor, launched
from edge import SECRET, Edge, EdgeOf, StartWorker
from kv_damage import refusing, without_keys
from playwright.sync_api import Browser, expect
from upstream import answering

from local.stack import Supabase

DOWN = answering(503, b'{"code":"PGRST002","message":"a private word"}')

Visit = Callable[..., Visitor]
"""Opens a page at a URL, in a window of its own."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser; it ends with this module, as others run event loops of their own."""
    with launched() as running:
        yield running


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Return a function that opens the page; the browser must not complain of anything."""
    visitors: list[Visitor] = []

    def opened(url: str) -> Visitor:
        visitor = Visitor.opening(browser, url)
        visitors.append(visitor)
        return visitor

    yield opened
    for visitor in visitors:
        visitor.page.context.close()
        assert visitor.complaints == []


@pytest.fixture
def visitor(edge: Edge, visit: Visit) -> Visitor:
    """Return somebody who looks at the page of a Worker in its initial state."""
    return visit(address(edge))


def address(edge: Edge, path: str = "/") -> str:
    """Return a URL of the Worker."""
    return str(edge.http.base_url.join(path))


def test_a_table_that_was_never_filled(visitor: Visitor) -> None:
    """Nothing is wrong, and a person is told what to try."""
    visitor.sees("Not filled yet", visitor.card("articles"))
    visitor.sees("Every table can be served.")
    facts = visitor.facts("articles")
    assert facts == {
        "Changes pending": "none",
        "Failures in a row": "none",
        "Warm queries": "0",
    }
    visitor.sees(f"curl -i {visitor.origin}/articles")
    visitor.look_closely("never-filled")


def test_a_table_that_is_cached(edge: Edge, visit: Visit) -> None:
    """Its figures are shown, and nothing of its rows, nor the public key."""
    body = edge.get("/articles").content
    edge.kv.wait()
    visitor = visit(address(edge))
    visitor.sees("Cached", visitor.card("articles"))
    facts = visitor.facts("articles")
    assert (facts["Rows"], facts["Size"]) == ("3", f"{len(body)} B")
    assert re.fullmatch(r"\d s", facts["Age"])
    assert re.fullmatch(r"just now|\d s ago", facts["Last refresh"])
    assert facts["Version"].isdecimal()
    content = visitor.page.content()
    assert "First blog" not in content
    assert "sb_publishable" not in content
    visitor.look_closely("fine")


def test_whether_the_database_has_an_outbox(guarded: Edge, visit: Visit) -> None:
    """As far as that is known: the cron trigger asks it."""
    visitor = visit(address(guarded))
    visitor.sees("not asked yet", visitor.card("Queries"))
    guarded.tick()
    visitor.looks_again()
    visitor.sees("not installed", visitor.card("Queries"))


def test_without_a_secret_nobody_asks_the_outbox(edge: Edge, visitor: Visitor) -> None:
    """The page says why, whether or not the cron trigger ran."""
    visitor.sees("no secret is set", visitor.card("Queries"))
    edge.tick()
    visitor.looks_again()
    visitor.sees("no secret is set", visitor.card("Queries"))


REFUSED = answering(403, b'{"code":"28P01","message":"a private word"}')
ANNOUNCED = answering(200, b'{"cursor":"c","complete":true,"changes":[],"watched":[]}')
VIEWS = {"recent": {"view": True}, "add": {"function": True}, "articles": {"watch": True}}


def test_where_no_table_is_served_the_rest_is_shown(
    edge_of: EdgeOf, start_worker: StartWorker, supabase: Supabase, visit: Visit
) -> None:
    """What it is, how to ask for it, and that the outbox and a read failed, each by itself."""
    edge = edge_of(start_worker({"REVALIDATE_SECRET": SECRET, "TABLES": json.dumps(VIEWS)}))
    edge.upstream.always = REFUSED
    edge.tick(1)
    edge.log.wait_for("catch_up_failed")
    visitor = visit(address(edge))
    card = visitor.card("Queries")
    visitor.sees("No table is served at a path of its own.")
    visitor.sees("Only under /rest/v1/: recent, rpc/add, articles.")
    expect(visitor.page.get_by_text(f"{visitor.origin}/rest/v1/recent?limit=3")).to_be_visible()
    visitor.sees("Changes that no notification brings are not noticed.")
    visitor.sees("Outbox fails", card)
    assert visitor.facts("Queries")["Outbox"] == "failing, last answered: never"
    expect(card).to_contain_text("Supabase refused it; the secret in Vault may be another one")
    visitor.look_closely("no-tables")
    edge.upstream.always = ANNOUNCED
    edge.tick(2)
    visitor.looks_again()
    visitor.sees("Fine", card)
    visitor.sees("Queries can be answered.")
    edge.upstream.always = DOWN
    edge.get("/rest/v1/recent", apikey=supabase.publishable_key)
    visitor.looks_again()
    visitor.sees("Supabase fails", card)
    expect(card).to_contain_text("Supabase answered 503 with code PGRST002")
    assert re.fullmatch(r"asked (just now|\d s ago)", visitor.facts("Queries")["Outbox"])


def test_where_nothing_is_served_the_page_says_so(start_worker: StartWorker, visit: Visit) -> None:
    """The outbox may be looked at all the same."""
    worker = start_worker({"TABLES": json.dumps({"Blog Posts": {"watch": True}})})
    visitor = visit(f"{worker.url}/")
    visitor.sees("Nothing is declared that can be read.")
    visitor.sees("no secret is set", visitor.card("Queries"))
    visitor.page.get_by_role("button", name="Revalidate now").click()
    visitor.sees("Done: every answer is read again when somebody asks for it.")
    visitor.look_closely("nothing-served")


def test_a_worker_that_takes_long(edge: Edge, browser: Browser) -> None:
    """The page is never blank: it says at once what it waits for, and later that it takes long."""
    with browser.new_context() as context:
        page = context.new_page()
        page.route("**/health", lambda _: None)
        page.goto(address(edge))
        expect(page.get_by_text("Asking the Worker …")).to_be_visible(timeout=1000)
        slow = page.get_by_text("The Worker takes long to answer. Still waiting …")
        expect(slow).to_be_visible(timeout=8000)
        page.unroute("**/health")
        page.evaluate("look()")
        expect(page.get_by_text("Every table can be served.")).to_be_visible()


def test_a_worker_that_takes_long_to_answer_again(visitor: Visitor) -> None:
    """What it said last stays, and the page says that it asks."""
    visitor.sees("Fine")
    visitor.page.route("**/health", lambda _: None)
    visitor.looks_again()
    heard = visitor.page.locator("#heard")
    expect(heard).to_contain_text("Asking again, which takes long.", timeout=8000)
    visitor.sees("Fine")
    visitor.look_closely("slow")
    visitor.page.unroute_all(behavior="ignoreErrors")


def test_the_link_leads_to_the_table(edge: Edge, visitor: Visitor) -> None:
    """The first thing that a person may want to see."""
    visitor.page.get_by_role("link", name="/articles").click()
    visitor.page.wait_for_url("**/articles")
    assert edge.titles()[0] in visitor.page.inner_text("body")


def test_changes_that_are_pending(edge: Edge, visit: Visit, kv_files: Path) -> None:
    """Counted while KV does not take them, and gone by themselves."""
    edge.get("/articles/1")
    edge.kv.wait()
    with refusing(kv_files, "/articles/1"):
        edge.webhook("UPDATE", {"id": 1}).raise_for_status()
        edge.log.wait_for("retry_scheduled")
        visitor = visit(address(edge))
        visitor.sees("Refreshing", visitor.card("articles"))
        assert int(visitor.facts("articles")["Changes pending"]) >= 1
        visitor.look_closely("pending")
    visitor.sees("Cached", visitor.card("articles"))
    assert visitor.facts("articles")["Changes pending"] == "none"


def test_supabase_is_down_and_the_last_good_answer_is_served(edge: Edge, visit: Visit) -> None:
    """The failures are counted and told in words, which are none of Supabase's own."""
    edge.get("/articles")
    edge.kv.wait()
    edge.upstream.always = DOWN
    edge.webhook("UPDATE", {"id": 1})
    edge.log.wait_for("refresh_failed")
    visitor = visit(address(edge))
    card = visitor.card("articles")
    visitor.sees("Supabase fails", card)
    visitor.sees("Readers get the last good answer.", card)
    assert int(visitor.facts("articles")["Failures in a row"]) >= 1
    expect(card).to_contain_text("Supabase answered 503 with code PGRST002")
    assert "private" not in visitor.page.content()
    visitor.look_closely("stale")
    edge.upstream.always = None
    visitor.sees("Cached", card)
    expect(card).to_contain_text("now over: Supabase answered 503")


def test_supabase_is_down_and_nothing_is_there(edge: Edge, visit: Visit) -> None:
    """Readers get errors, and the page says of which tables."""
    edge.upstream.always = DOWN
    edge.get("/articles")
    visitor = visit(address(edge))
    visitor.sees("Failing", visitor.card("articles"))
    visitor.sees("Readers may get errors from: articles.")
    visitor.look_closely("failing")


def test_kv_fails(edge: Edge, visit: Visit, kv_files: Path) -> None:
    """What is not known is not made up."""
    with without_keys(kv_files):
        visitor = visit(address(edge))
        visitor.sees("Unknown", visitor.card("articles"))
        expect(visitor.card("articles")).to_contain_text("Workers KV failed.")
        assert visitor.facts("articles") == {}
        visitor.look_closely("kv-failing")
    visitor.looks_again()
    visitor.sees("Cached", visitor.card("articles"))


def test_what_is_not_configured_is_listed(start_worker: StartWorker, visit: Visit) -> None:
    """Each fault as a text, whatever is in it, at either address; with what there is to be done."""
    markup = "<img src=x onerror=alert(1)>"
    worker = start_worker(only={"TABLES": f'{{"{markup}": {{}}}}'})
    for path in ("/", "/health"):
        visitor = visit(worker.url + path)
        visitor.sees("Not configured")
        faults = visitor.page.get_by_role("listitem").all_inner_texts()
        assert [fault.split()[0] for fault in faults] == [
            "SUPABASE_URL",
            "SUPABASE_ANON_KEY",
            "TABLES",
        ]
        assert markup in faults[-1]
        assert visitor.page.get_by_role("img").count() == 0
        assert visitor.page.get_by_role("button").count() == 0
    visitor.look_closely("misconfigured")


def test_a_worker_that_does_not_answer_any_more(start_worker: StartWorker, visit: Visit) -> None:
    """What it said last stays, and the page says that it is old."""
    worker = start_worker()
    visitor = visit(f"{worker.url}/")
    visitor.sees("Fine")
    worker.process.stop()
    visitor.looks_again()
    visitor.sees("No answer")
    visitor.sees("This Worker does not answer. Below is what it said last.")
    expect(visitor.card("articles")).to_be_visible()
    assert visitor.page.title() == "No answer · supabase-edge-cache"
    visitor.look_closely("no-answer")


def test_a_worker_that_answers_again(visitor: Visitor) -> None:
    """The page finds out by itself."""
    visitor.sees("Fine")
    visitor.page.context.set_offline(True)
    visitor.looks_again()
    visitor.sees("No answer")
    visitor.page.context.set_offline(False)
    visitor.looks_again()
    visitor.sees("Every table can be served.")


def test_health_is_the_page_for_a_browser_and_json_for_others(edge: Edge, visit: Visit) -> None:
    """By what they accept, which a cache is told; the status is the same."""
    visit(address(edge, "/health")).sees("Fine")
    response = edge.get("/health")
    assert response.headers["vary"] == "Accept"
    assert response.json()["status"] == "ok"
    edge.upstream.always = DOWN
    edge.get("/articles")
    as_page = edge.get("/health", accept="text/html")
    assert as_page.headers["content-type"] == "text/html; charset=utf-8"
    assert as_page.status_code == edge.get("/health").status_code == 503


def test_without_a_secret_it_revalidates_on_localhost(edge: Edge, visitor: Visitor) -> None:
    """Nobody is asked for one; the page shows the outcome at once."""
    visitor.sees("Not filled yet")
    expect(visitor.page.get_by_label("Secret")).to_be_hidden()
    visitor.page.get_by_role("button", name="Revalidate now").click()
    visitor.sees("Done: every table is as Supabase has it now.")
    visitor.sees("Cached", visitor.card("articles"))
    assert edge.log.wait_for("revalidated")


def test_without_a_secret_it_is_closed_elsewhere(edge: Edge, visit: Visit) -> None:
    """The page says how to set one."""
    visitor = visit(f"http://{ELSEWHERE}:{edge.http.base_url.port}/")
    visitor.sees("npx wrangler secret put REVALIDATE_SECRET")
    expect(visitor.page.get_by_role("button")).to_have_count(0)
    visitor.look_closely("closed")


def test_the_secret_by_keyboard_alone(guarded: Edge, visit: Visit) -> None:
    """A wrong one is told in one sentence, the right one revalidates; neither is kept."""
    visitor = visit(address(guarded))
    page = visitor.page
    visitor.sees("Fine")
    order = []
    for _ in range(3):
        page.keyboard.press("Tab")
        order.append(visitor.focused())
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
    assert order == ["/articles", "secret", "button"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    visitor.sees("This is not the value of REVALIDATE_SECRET.")
    assert visitor.focused() == "secret"
    expect(page.get_by_label("Secret")).to_have_accessible_description(
        re.compile("^This is not the value of REVALIDATE_SECRET.")
    )
    visitor.look_closely("wrong-secret")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(SECRET)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    visitor.sees("Done: every table is as Supabase has it now.")
    assert visitor.focused() == "button"
    visitor.sees("Cached", visitor.card("articles"))
    visitor.look_closely("revalidated")
    assert page.url == address(guarded)
    paths = ("/", "/health", "/revalidate")
    assert visitor.asked == {address(guarded, path) for path in paths}
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [
        0,
        0,
        "",
    ]
    assert "wrong" not in guarded.log.text()
    assert SECRET not in guarded.log.text() + page.content()


def test_a_refresh_disturbs_nobody(guarded: Edge, visit: Visit) -> None:
    """Neither focus nor what was typed is lost when something new is shown."""
    guarded.get("/articles")
    visitor = visit(address(guarded))
    visitor.sees("Cached", visitor.card("articles"))
    secret = visitor.page.get_by_label("Secret")
    secret.press_sequentially("half a sec")
    add_a_row(guarded, 4)
    visitor.sees("4", visitor.card("articles"))
    visitor.page.keyboard.type("ret")
    assert visitor.focused() == "secret"
    assert secret.input_value() == "half a secret"
    visitor.page.get_by_role("link", name="/articles").focus()
    add_a_row(guarded, 5)
    visitor.looks_again()
    visitor.sees("5", visitor.card("articles"))
    assert visitor.focused() == "/articles"


def add_a_row(guarded: Edge, row_id: int) -> None:
    """Have another row shown to readers."""
    guarded.db.insert([{"id": row_id, "title": "New", "body": "", "published": True}])
    guarded.get("/revalidate", authorization=f"Bearer {SECRET}").raise_for_status()


def test_what_a_screen_reader_finds(guarded: Edge, visit: Visit) -> None:
    """Landmarks, headings in order, lists of facts, named fields, and what changes is announced."""
    guarded.get("/articles")
    visitor = visit(address(guarded))
    visitor.sees("Cached", visitor.card("articles"))
    expect(visitor.page.locator("body")).to_match_aria_snapshot("""
        - banner:
          - heading "supabase-edge-cache" [level=1]
        - main:
          - region "How it is":
            - heading "How it is" [level=2]
            - status:
              - paragraph: Fine
              - paragraph: Every table can be served.
          - region "Tables":
            - heading "Tables" [level=2]
            - list:
              - listitem:
                - heading "articles" [level=3]
                - paragraph: Cached
                - term: Rows
                - definition: "3"
                - paragraph:
                  - link "/articles"
          - region "Views, functions and embedded tables":
            - heading "Views, functions and embedded tables" [level=2]
            - list:
              - listitem:
                - heading "Queries" [level=3]
          - region "Revalidate":
            - heading "Revalidate" [level=2]
            - paragraph:
              - text: Secret
              - textbox "Secret"
            - button "Revalidate now"
            - status
          - region "Try it":
            - heading "Try it" [level=2]
        """)


def test_without_javascript_it_says_where_the_json_is(edge: Edge, browser: Browser) -> None:
    """And nothing else, which would look broken."""
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address(edge))
        assert page.inner_text("main").startswith("This page needs JavaScript.")
        assert "curl" in page.inner_text("main")
        expect(page.get_by_role("button")).to_have_count(0)
