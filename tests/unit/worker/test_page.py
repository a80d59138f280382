"""The page as an answer: its headers, and who gets it. Tests in a browser look at what it shows."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from program import Answer, Program

from edge_cache.worker.page import prefers_html

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
JSON = "application/json; charset=utf-8"


def html_of(answer: Answer) -> str:
    """Return the page, after a check of what it always has."""
    assert answer.body is not None
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    return answer.body.decode()


def source_of(text: str) -> str:
    """Return the name that a policy has for an inline text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


async def test_the_page_is_one_document(program: Program) -> None:
    """Its style and its script are in it. It loads nothing."""
    html = html_of(await program.get("/", accept="*/*"))
    assert "<!doctype html>" in html
    assert 'href="page.css"' not in html
    assert " src=" not in html
    assert "http" not in re.sub(r"xmlns='[^']*'", "", html)
    assert (program.kv.tried, program.supabase.requests) == ([], [])


async def test_its_policy_allows_nothing_but_what_is_in_it(program: Program) -> None:
    """It also allows requests to the Worker that it came from."""
    answer = await program.get("/")
    html = html_of(answer)
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert answer.headers["content-security-policy"].split("; ") == [
        "default-src 'none'",
        " ".join(("script-src", *(f"'{source_of(script)}'" for script in scripts))),
        f"style-src '{source_of(style)}'",
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]


@pytest.mark.parametrize("path", ["/", "/health"])
async def test_head_has_the_headers_of_get(program: Program, path: str) -> None:
    """But it has no body."""
    head = await program.head(path, accept=BROWSER)
    assert (head.status, head.body) == (200, None)
    assert head.headers == (await program.get(path, accept=BROWSER)).headers


@pytest.mark.parametrize(
    "accept",
    [
        BROWSER,
        "text/html",
        "TEXT/HTML",
        "text/*",
        "*/*;q=0.1, text/html;q=0.2",
        "application/json;q=0.9, text/html",
        "application/json;q=oops, text/html;q=0.1",
    ],
)
def test_who_prefers_html(accept: str) -> None:
    """The most specific range decides."""
    assert prefers_html(accept)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/json",
        "application/json, text/html",
        "application/*, text/html;q=0.9",
        "text/html;q=0, */*",
        "text/html;q=, application/json",
        "text/plain",
        ";,;q=1",
    ],
)
def test_who_does_not_prefer_html(accept: str) -> None:
    """If nothing is preferred, the answer is JSON, as before."""
    assert not prefers_html(accept)


async def test_health_is_the_page_for_who_prefers_html(program: Program) -> None:
    """Vary tells caches that the answer depends on Accept."""
    answer = await program.get("/health", accept=BROWSER)
    assert html_of(answer) == html_of(await program.get("/"))
    assert (answer.status, answer.headers["vary"]) == (200, "Accept")
    other = await program.get("/health")
    assert (other.headers["content-type"], other.headers["vary"]) == (JSON, "Accept")


async def test_the_page_has_the_status_of_the_report(program: Program) -> None:
    """So a monitor that sends a browser's headers sees the same status."""
    program.supabase.fail()
    await program.get("/articles")
    assert (await program.get("/health")).status == 503
    assert (await program.get("/health", accept=BROWSER)).status == 503


async def test_the_page_can_be_turned_off_for_everybody() -> None:
    """Then `/` does not exist, and `/health` is JSON for everybody."""
    program = Program(status_page="off")
    assert (await program.get("/", accept=BROWSER)).status == 404
    assert (await program.post("/", b"")).status == 404
    answer = await program.get("/health", accept=BROWSER)
    assert answer.headers["content-type"] == JSON
    assert "vary" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/health"])
async def test_a_worker_that_is_not_configured_has_the_page(path: str) -> None:
    """Its status is 503, for HEAD too. We cannot know whether it was turned off, so it is shown."""
    program = Program(supabase_url=None)
    get, head = await program.get(path, accept=BROWSER), await program.head(path, accept=BROWSER)
    assert "<title>" in html_of(get)
    assert (get.status, head.status, head.body) == (503, 503, None)
    assert (await program.post("/", b"")).status == 500


@pytest.mark.parametrize(
    ("secret", "url", "expected"),
    [
        ("s", "http://localhost/health", "secret"),
        ("s", "https://cache.example.com/health", "secret"),
        (None, "http://localhost:8787/health", "open"),
        (None, "https://cache.example.com/health", "closed"),
    ],
)
async def test_the_report_says_who_may_revalidate(
    secret: str | None, url: str, expected: str
) -> None:
    """So the page asks a person for a secret only if there is one."""
    program = Program(revalidate_secret=secret)
    assert (await program.get(url)).json["revalidation"] == expected
