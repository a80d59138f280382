"""What people do on the page: revalidate, type a secret, use a keyboard or a screen reader."""

from __future__ import annotations

import re

import pytest
from browser import ELSEWHERE, Visit, Visitor, address
from edge import SECRET, Edge
from playwright.sync_api import Browser, Route, expect
from upstream import answering

pytestmark = pytest.mark.played

DOWN = answering(503, b'{"code":"PGRST002","message":"a private word"}')


def test_health_is_the_page_for_a_browser_and_json_for_others(guarded: Edge, visit: Visit) -> None:
    """The Accept header decides, and Vary says so to caches. The status is the same."""
    edge = guarded
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
    """It asks for no secret, and shows the result at once."""
    visitor.sees("Not filled yet")
    expect(visitor.page.get_by_label("Secret")).to_be_hidden()
    visitor.page.get_by_role("button", name="Revalidate now").click()
    visitor.sees("Done: every table is as Supabase has it now.")
    visitor.sees("Cached", visitor.card("articles"))
    assert edge.log.wait_for("revalidated")


def test_without_a_secret_it_is_closed_elsewhere(edge: Edge, visit: Visit) -> None:
    """The page says how to set a secret."""
    visitor = visit(f"http://{ELSEWHERE}:{edge.http.base_url.port}/")
    visitor.sees("npx wrangler secret put REVALIDATE_SECRET")
    expect(visitor.page.get_by_role("button")).to_have_count(0)
    visitor.look_closely("closed")


def test_the_secret_by_keyboard_alone(guarded: Edge, visit: Visit) -> None:
    """A wrong secret gets one sentence, the right one revalidates. The page keeps neither."""
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


def test_what_is_asked_for_most_needs_the_secret(guarded: Edge, visit: Visit) -> None:
    """A query's text is shown as it is, and never as markup. The order can be chosen."""
    visitor = visit(address(guarded))
    page = visitor.page
    rows = [["/rest/v1/articles?title=eq.<b>bold</b>", 30, 10, 1500], ["/articles/1", 20, 20, 300]]
    told = {"since": "2026-11-29T01:10:04+00:00", "targets": {"articles": rows}}
    show = page.get_by_role("button", name="Show top queries")
    page.get_by_label("Secret").fill("wrong")
    show.click()
    visitor.sees("This is not the value of REVALIDATE_SECRET.")
    expect(page.get_by_role("heading", name="What is asked for most")).to_be_hidden()
    page.get_by_label("Secret").fill(SECRET)
    show.click()
    visitor.sees("Nothing was noted yet.")
    page.route("**/queries", lambda route: route.fulfill(json=told))
    show.click()
    visitor.sees(str(rows[0][0]))
    shown = page.locator("#queries-rows tr")
    assert shown.nth(0).inner_text().split("\t")[2:] == ["30", "10", "1.5 s"]
    page.get_by_label("Order by").select_option("misses")
    expect(shown.nth(0)).to_contain_text("/articles/1")
    visitor.look_closely("most")


def test_a_second_click_does_not_revalidate_again(visitor: Visitor) -> None:
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    visitor.page.route("**/revalidate", hold)
    button = visitor.page.get_by_role("button", name="Revalidate now")
    button.click()
    visitor.sees("Reading from Supabase …")
    button.click(force=True)
    visitor.page.keyboard.press("Enter")
    asked[0].fulfill(json={"received": True})
    visitor.sees("Done: every table is as Supabase has it now.")
    assert len(asked) == 1


def test_no_question_waits_for_ever(visitor: Visitor) -> None:
    visitor.page.route("**/health", lambda _: None)
    asking = "ask('/health', {}, 50).then(() => 'answered', (error) => error.name)"
    assert visitor.page.evaluate(asking) == "TimeoutError"


def test_a_refresh_disturbs_nobody(guarded: Edge, visit: Visit) -> None:
    """If something new is shown, the focus stays, and so does what was typed."""
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
    """Add a row that readers see."""
    guarded.db.insert([{"id": row_id, "title": "New", "body": "", "published": True}])
    guarded.get("/revalidate", authorization=f"Bearer {SECRET}").raise_for_status()


def test_what_a_screen_reader_finds(guarded: Edge, visit: Visit) -> None:
    """It finds landmarks, headings in order, lists of facts, and named fields.

    Changes are announced.
    """
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
    """It shows nothing else, because that would look broken."""
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address(edge))
        assert page.inner_text("main").startswith("This page needs JavaScript.")
        assert "curl" in page.inner_text("main")
        expect(page.get_by_role("button")).to_have_count(0)
