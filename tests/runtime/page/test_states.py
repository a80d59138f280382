"""Every state of the page, from the real Worker, as a browser shows it to people."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from browser import Visit, Visitor, address
from edge import SECRET, Edge, EdgeOf, eventually
from kv_damage import refusing, without_keys
from playwright.sync_api import Browser, expect
from upstream import answering

from local.stack import Supabase

pytestmark = pytest.mark.played

DOWN = answering(503, b'{"code":"PGRST002","message":"a private word"}')


def test_a_table_that_was_never_filled(visitor: Visitor) -> None:
    """The page says that nothing is wrong, and what to try."""
    visitor.sees("Not filled yet", visitor.card("articles"))
    visitor.sees(NO_SECRET)
    facts = visitor.facts("articles")
    assert facts == {
        "Changes pending": "none",
        "Failures in a row": "none",
        "Warm queries": "0",
        "Signed-in readers": "get their own answers",
    }
    visitor.sees(f"curl -i {visitor.origin}/articles")
    visitor.look_closely("never-filled")


def test_a_table_that_is_cached(edge: Edge, visit: Visit) -> None:
    """The page shows its numbers, but nothing of its rows, and not the public key."""
    body = edge.get("/articles").content
    edge.kv.wait()
    visitor = visit(address(edge))
    visitor.sees("Cached", visitor.card("articles"))
    facts = visitor.facts("articles")
    assert (facts["Rows"], facts["Size"]) == ("3", f"{len(body)} B")
    assert re.fullmatch(r"\d+ s", facts["Age"])
    assert re.fullmatch(r"just now|\d+ s ago", facts["Last refresh"])
    assert facts["Version"].isdecimal()
    content = visitor.page.content()
    assert "First blog" not in content
    assert "sb_publishable" not in content
    visitor.look_closely("fine")


def test_what_the_cache_saves(edge: Edge, visit: Visit) -> None:
    """Requests, what Supabase did not send, and what readers got, most frequent first."""
    size = len(edge.get("/articles").content)
    edge.kv.wait()
    for _ in range(3):
        edge.get("/articles")
    edge.get("/articles/9")

    def handed() -> bool:
        return len(edge.get("/health").json()["traffic"]["hour"]) == 3

    eventually(handed, "the isolate hands over what it counted")
    visitor = visit(address(edge))
    own = len(edge.upstream.requests)
    asked = f"Supabase was asked {own} times instead: 0 for requests that were passed on"
    spared = f"So it was spared {5 - own} requests and"
    for when in ("hour", "week"):
        told = f"In the last {when} the cache answered 60.0 % of 5 requests, with {3 * size} B."
        sentence = expect(visitor.page.locator(f"#{when}-sentence"))
        sentence.to_contain_text(f"{told} {asked}")
        sentence.to_contain_text(spared)
    visitor.page.get_by_text("What was asked for").click()
    rows = [row.inner_text().split("\t") for row in visitor.page.get_by_role("row").all()]
    assert rows[1:3] == [
        ["articles", "all, and the share of the cache", "5", "60.0 %"],
        ["", "from the cache", "3", "60.0 %"],
    ]
    assert sorted(rows[3:]) == [
        ["", "an error (not-found)", "1", "20.0 %"],
        ["", "read from Supabase, and stored", "1", "20.0 %"],
    ]
    visitor.look_closely("saved")


def test_whether_the_database_has_an_outbox(guarded: Edge, visit: Visit) -> None:
    """The cron trigger asks the outbox; before that, the page does not know."""
    visitor = visit(address(guarded))
    visitor.sees("not asked yet", visitor.card("Queries"))
    guarded.tick()
    visitor.looks_again()
    visitor.sees("not installed", visitor.card("Queries"))


def test_tables_that_no_trigger_watches_are_named(guarded: Edge, visit: Visit) -> None:
    visitor = visit(address(guarded))
    report = guarded.get("/health").json()
    report["project"]["outbox"] |= {"installed": True, "unwatched": ["public.comments"]}
    visitor.page.route("**/health", lambda route: route.fulfill(json=report))
    visitor.looks_again()
    visitor.sees("Not watched", visitor.card("Queries"))
    visitor.sees("Some changes show only when answers are too old.")
    expect(visitor.card("Queries")).to_contain_text("rows of public.comments, but no trigger")


def test_without_a_secret_nobody_asks_the_outbox(edge: Edge, visitor: Visitor) -> None:
    """The page says why, whether the cron trigger has run or not."""
    visitor.sees("REVALIDATE_SECRET is not set", visitor.card("Queries"))
    edge.tick()
    visitor.looks_again()
    visitor.sees("No secret", visitor.card("Queries"))
    visitor.sees("REVALIDATE_SECRET is not set", visitor.card("Queries"))


NO_SECRET = "Edits show only when answers are too old, or somebody revalidates."
REFUSED = answering(403, b'{"code":"28P01","message":"a private word"}')
ANNOUNCED = answering(200, b'{"cursor":"c","complete":true,"changes":[],"watched":[]}')
VIEWS = {"recent": {"view": True}, "add": {"function": True}, "articles": {"watch": True}}


def test_where_no_table_is_served_the_rest_is_shown(
    edge_of: EdgeOf, supabase: Supabase, visit: Visit
) -> None:
    """The page says what the rest is and how to ask for it.

    It shows a failed read and a failed outbox.
    """
    edge = edge_of({"REVALIDATE_SECRET": SECRET, "TABLES": json.dumps(VIEWS)})
    edge.upstream.always = REFUSED
    edge.tick(1)
    edge.log.wait_for("catch_up_failed")
    visitor = visit(address(edge))
    card = visitor.card("Queries")
    visitor.sees("No table is served at a path of its own.")
    visitor.sees(
        "Only under /rest/v1/: recent (view), rpc/add (function), articles (watched table)."
    )
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
    assert re.fullmatch(r"asked (just now|\d+ s ago)", visitor.facts("Queries")["Outbox"])


def test_where_nothing_is_served_the_page_says_so(edge_of: EdgeOf, visit: Visit) -> None:
    """It may still show the outbox."""
    edge = edge_of({"TABLES": json.dumps({"Blog Posts": {"watch": True}})})
    visitor = visit(address(edge))
    visitor.sees("Nothing is declared that can be read.")
    visitor.sees("REVALIDATE_SECRET is not set", visitor.card("Queries"))
    visitor.page.get_by_role("button", name="Revalidate now").click()
    visitor.sees("Done: popular answers are read again at once, the others when somebody asks.")
    visitor.look_closely("nothing-served")


def test_a_worker_that_takes_long(edge: Edge, browser: Browser) -> None:
    """The page is never blank. It says at once what it waits for, and later that it takes long."""
    with browser.new_context() as context:
        page = context.new_page()
        page.route("**/health", lambda _: None)
        page.goto(address(edge))
        expect(page.get_by_text("Asking the Worker …")).to_be_visible()
        slow = page.get_by_text("The Worker takes long to answer. Still waiting …")
        expect(slow).to_be_visible()
        page.unroute("**/health")
        page.evaluate("look()")
        expect(page.get_by_text(NO_SECRET)).to_be_visible()


def test_a_worker_that_takes_long_to_answer_again(visitor: Visitor) -> None:
    """The last report stays, and the page says that it is asking."""
    visitor.sees("No secret")
    visitor.page.route("**/health", lambda _: None)
    visitor.looks_again()
    heard = visitor.page.locator("#heard")
    expect(heard).to_contain_text("Asking again, which takes long.")
    visitor.sees("No secret")
    visitor.look_closely("slow")
    visitor.page.unroute_all(behavior="ignoreErrors")


def test_the_link_leads_to_the_table(edge: Edge, visitor: Visitor) -> None:
    """It is what a person may want to see first."""
    visitor.page.get_by_role("link", name="/articles").click()
    visitor.page.wait_for_url("**/articles")
    assert edge.titles()[0] in visitor.page.inner_text("body")


def test_changes_that_are_pending(edge: Edge, visit: Visit, kv_files: Path) -> None:
    """They are counted while KV refuses them. They disappear by themselves."""
    edge.get("/articles")
    edge.kv.wait()
    with refusing(kv_files, "/articles"):
        edge.webhook("UPDATE", {"id": 1}).raise_for_status()
        edge.log.wait_for("retry_scheduled")
        visitor = visit(address(edge))
        visitor.sees("Refreshing", visitor.card("articles"))
        assert int(visitor.facts("articles")["Changes pending"]) >= 1
        visitor.look_closely("pending")
    visitor.sees("Cached", visitor.card("articles"))
    assert visitor.facts("articles")["Changes pending"] == "none"


def test_supabase_is_down_and_the_last_good_answer_is_served(edge: Edge, visit: Visit) -> None:
    """The page counts the failures and describes them. It shows none of Supabase's own words."""
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
    """Readers get errors, and the page says for which tables."""
    edge.upstream.always = DOWN
    edge.get("/articles")
    visitor = visit(address(edge))
    visitor.sees("Failing", visitor.card("articles"))
    visitor.sees("Readers may get errors from: articles.")
    visitor.look_closely("failing")


def test_kv_fails(edge: Edge, visit: Visit, kv_files: Path) -> None:
    """The page does not invent what it cannot know."""
    with without_keys(kv_files):
        visitor = visit(address(edge))
        visitor.sees("Unknown", visitor.card("articles"))
        expect(visitor.card("articles")).to_contain_text("Workers KV failed.")
        assert visitor.facts("articles") == {}
        visitor.look_closely("kv-failing")
    visitor.looks_again()
    visitor.sees("Cached", visitor.card("articles"))


def test_what_is_not_configured_is_listed(edge: Edge, visit: Visit) -> None:
    """Each fault is shown as text, at either address, with the way out."""
    markup = "<img src=x onerror=alert(1)>"
    edge.configure({"TABLES": f'{{"{markup}": {{}}}}'})
    for path in ("/", "/health"):
        visitor = visit(address(edge, path))
        visitor.sees("Not configured")
        faults = visitor.page.get_by_role("listitem").all_inner_texts()
        assert [fault.split()[0] for fault in faults] == [
            "SUPABASE_URL",
            "SUPABASE_ANON_KEY",
            "TABLES:",
        ]
        assert markup in faults[-1]
        assert visitor.page.get_by_role("img").count() == 0
        assert visitor.page.get_by_role("button").count() == 0
    visitor.look_closely("misconfigured")


def test_a_worker_that_does_not_answer_any_more(visitor: Visitor) -> None:
    """The last report stays, and the page says that it is old.

    It notices when the Worker answers again.
    """
    visitor.sees("No secret")
    visitor.page.context.set_offline(True)
    visitor.looks_again()
    visitor.sees("No answer")
    visitor.sees("This Worker does not answer. Below is what it said last.")
    expect(visitor.card("articles")).to_be_visible()
    assert visitor.page.title() == "No answer · supabase-edge-cache"
    visitor.look_closely("no-answer")
    visitor.page.context.set_offline(False)
    visitor.looks_again()
    visitor.sees(NO_SECRET)
