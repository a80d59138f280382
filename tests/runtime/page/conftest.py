"""A real browser that looks at the page of the Worker."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from browser import Visit, Visitor, address, launched
from edge import Edge
from playwright.sync_api import Browser

collect_ignore = [] if "SCREENSHOTS" in os.environ else ["test_picture.py"]
"""It takes a picture and tests nothing."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser. It ends with this module, because others run event loops of their own."""
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
