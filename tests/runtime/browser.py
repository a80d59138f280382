"""A real Chromium that looks at the page, and what it complains of.

Nothing here is for one state of the page only.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from edge import Edge
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from shared.project import NODE_MODULES

ELSEWHERE = "cache.example.com"
"""For this browser alone, this host is this machine."""

SEEN_MS = 60_000
"""The page asks every ten seconds; on a busy machine this takes longer."""

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first takes a third of the memory of the others, because it has no windows."""
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--no-zygote",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1",
)

_ANSWERED = "Failed to load resource: "
"""The console says this about each answer that is an error. The page shows these errors itself."""

_SCREENSHOTS = os.environ.get("SCREENSHOTS")
"""A folder that gets a picture of each state."""

_AXE = NODE_MODULES / "axe-core" / "axe.min.js"
_VIOLATIONS = """async () => (await axe.run()).violations.flatMap(({id, nodes}) =>
    nodes.map((node) => `${id}: ${node.target} ${node.failureSummary}`))"""

_PHONE = ViewportSize(width=320, height=640)
_DESKTOP = ViewportSize(width=1100, height=800)


Visit = Callable[..., "Visitor"]
"""Opens a page at a URL, in a window of its own."""


def address(edge: Edge, path: str = "/") -> str:
    """Return a URL of the Worker."""
    return str(edge.http.base_url.join(path))


@contextmanager
def launched() -> Iterator[Browser]:
    """Run a browser with an empty profile until the block ends; skip the test if there is none."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("There is no Chromium; Debian and Ubuntu have it as the package `chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        expect.set_options(timeout=SEEN_MS)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody who looks at the page.

    ``asked`` are the URLs of all requests. ``complaints`` are everything that the browser complains
    of.
    """

    page: Page
    origin: str
    asked: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def opening(cls, browser: Browser, url: str) -> Visitor:
        """Open the page in a new window, which shares nothing with others."""
        context = browser.new_context()
        context.add_init_script(path=_AXE)  # a driver may, even if the page's policy forbids it
        parts = urlsplit(url)
        visitor = cls(context.new_page(), f"{parts.scheme}://{parts.netloc}")
        visitor.page.on("console", visitor._note)
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        visitor.page.on("request", lambda request: visitor._note_request(request.url))
        visitor.page.goto(url)
        return visitor

    def _note(self, message: ConsoleMessage) -> None:
        if not message.text.startswith(_ANSWERED):
            self.complaints.append(message.text)

    def _note_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme == "data":
            return
        self.asked.add(url)
        if f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.complaints.append(f"a request to {url}")

    def card(self, name: str) -> Locator:
        """Return what the page shows of a table, or of the project's queries."""
        heading = self.page.get_by_role("heading", name=name, exact=True)
        return self.page.get_by_role("listitem").filter(has=heading)

    def facts(self, name: str) -> dict[str, str]:
        """Return the numbers and times that a card shows."""
        card = self.card(name)
        return dict(
            zip(
                card.get_by_role("term").all_inner_texts(),
                card.get_by_role("definition").all_inner_texts(),
                strict=True,
            )
        )

    def sees(self, text: str, where: Locator | None = None) -> None:
        """Wait until a text is shown, word for word."""
        (where or self.page).get_by_text(text, exact=True).first.wait_for(timeout=SEEN_MS)

    def looks_again(self) -> None:
        """Come back to the page from another tab; the page then asks at once."""
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def focused(self) -> str:
        """Return the name of what has the focus: a link's or button's text, or a field's id."""
        return str(self.page.evaluate("(document.activeElement.id || document.activeElement.text)"))

    def look_closely(self, state: str) -> None:
        """Check what holds in every state, on a phone and on a desktop, by day and by night."""
        for size in (_PHONE, _DESKTOP):
            for scheme in ("light", "dark"):
                self.page.set_viewport_size(size)
                self.page.emulate_media(color_scheme=scheme)
                self._take_picture(f"{state}-{size['width']}-{scheme}")
                violations = self.page.evaluate(_VIOLATIONS)
                assert not violations, violations
                width = self.page.evaluate("document.documentElement.scrollWidth")
                assert width <= size["width"], f"{state}: {width} px wide"

    def _take_picture(self, name: str) -> None:
        if _SCREENSHOTS:
            self.page.screenshot(path=Path(_SCREENSHOTS) / f"{name}.png", full_page=True)
