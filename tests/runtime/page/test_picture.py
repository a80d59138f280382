"""Takes the README's picture: `SCREENSHOTS=docs npm test -- tests/runtime/page/test_picture.py`."""

from __future__ import annotations

import math
import os
from pathlib import Path

import scripted
from browser import address
from clients import library
from edge import Database, Edge, EdgeOf, Variables
from playwright.sync_api import Browser

TABLES: dict[str, object] = {"books": {}, "writers": {}, "tags": {"watch": True}}
READ = (
    "/books",
    "/writers",
    "/books/1",
    "/rest/v1/books?select=title&limit=3",
    "/rest/v1/books?select=title&id=eq.2",
    "/rest/v1/tags?select=name",
)
MARGIN_PX = 24


def live_an_hour(edge: Edge) -> None:
    """Let people read for an hour, now more of them and now fewer."""
    for minute in range(-60, 1):
        edge.set_clock(60 * minute)
        for number in range(8 + round(5 * math.sin(minute / 9))):
            edge.get(READ[number % len(READ)])
        if minute % 3 == 0:
            edge.get(f"/rest/v1/books?select=title&offset={-minute}")


def test_what_the_page_shows_of_a_project_with_the_script(
    edge_of: EdgeOf, database: Database, variables: Variables, browser: Browser
) -> None:
    library.fill(database)
    with scripted.known_to(edge_of, database, TABLES) as edge:
        edge.http.headers["apikey"] = variables["SUPABASE_ANON_KEY"]
        for path in READ:
            edge.get(path).raise_for_status()
        edge.kv.wait()
        live_an_hour(edge)
        with browser.new_context(color_scheme="light") as context:
            page = context.new_page()
            page.set_viewport_size({"width": 900, "height": 800})
            page.goto(address(edge))
            page.get_by_text("Cached").nth(1).wait_for()
            end = page.get_by_role("heading", name="Revalidate").bounding_box()
            assert end
            page.screenshot(
                path=Path(os.environ["SCREENSHOTS"]) / "page.png",
                full_page=True,
                clip={"x": 0, "y": MARGIN_PX, "width": 900, "height": end["y"] - 2 * MARGIN_PX},
            )
