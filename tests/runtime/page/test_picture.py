"""Takes the README's picture: `SCREENSHOTS=docs npm test -- tests/runtime/page/test_picture.py`."""

from __future__ import annotations

import math
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import scripted
from browser import address
from clients import library
from edge import Database, EdgeOf, Variables
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


def row_at(at_s: int, step_s: int) -> list[int]:
    """Return what a minute or an hour could have counted: now more and now fewer readers."""
    requests = round(step_s * (8 + 5 * math.sin(at_s / step_s / 9)))
    cached, passed = round(requests * 0.93), round(requests * 0.02)
    own = requests - cached - passed + step_s // 20
    return [at_s, requests, cached, 300 * cached, passed, own, 300 * own, 300 * (requests - passed)]


def rows_until(now_s: int, steps: int, step_s: int) -> list[list[int]]:
    """Return the rows of the last steps."""
    last = now_s // step_s
    return [row_at(number * step_s, step_s) for number in range(last - steps + 1, last + 1)]


def after_a_week(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report of `/health` as if people had read for a week."""
    now_s = int(datetime.fromisoformat(report["now"]).timestamp())
    minutes, hours = rows_until(now_s, 60, 60), rows_until(now_s, 168, 3600)
    read = sum(row[1] for row in minutes)
    hour = [["books", "hit", "", read, 0, 0]]
    return {**report, "traffic": {"minutes": minutes, "hours": hours, "hour": hour}}


def test_what_the_page_shows_of_a_project_with_the_script(
    edge_of: EdgeOf, database: Database, variables: Variables, browser: Browser
) -> None:
    library.fill(database)
    with scripted.known_to(edge_of, database, TABLES) as edge:
        edge.http.headers["apikey"] = variables["SUPABASE_ANON_KEY"]
        for path in READ:
            edge.get(path).raise_for_status()
        edge.kv.wait()
        report = after_a_week(edge.get("/health").json())
        with browser.new_context(color_scheme="light") as context:
            page = context.new_page()
            page.set_viewport_size({"width": 900, "height": 800})
            page.route("**/health", lambda route: route.fulfill(json=report))
            page.goto(address(edge))
            page.get_by_text("Cached").nth(1).wait_for()
            end = page.get_by_role("heading", name="Revalidate").bounding_box()
            assert end
            page.screenshot(
                path=Path(os.environ["SCREENSHOTS"]) / "page.png",
                full_page=True,
                clip={"x": 0, "y": MARGIN_PX, "width": 900, "height": end["y"] - 2 * MARGIN_PX},
            )
