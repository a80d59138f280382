"""An app in a real browser, on another origin: customers sign in, read, and fill their carts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser import launched
from clients import shop
from clients.players import PASSWORD, Caller, JavaScript, Outcome, javascript
from edge import Edge
from playwright.sync_api import Browser, Page
from upstream import Handler, Server, forward, running

from local import stack
from local.supabase_project import PUBLISHABLE_KEY
from shared.project import NODE_MODULES, ROOT

CLIENTS = Path(__file__).parent / "clients"
SUPABASE_JS = NODE_MODULES / "@supabase/supabase-js/dist/umd/supabase.js"

Files = Mapping[str, tuple[str, bytes]]
"""The media type and the content by path."""


def reading_from_the_edge(edge: str, supabase: str, key: str) -> str:
    """Return the README's client that has only its reads from the Worker."""
    block = re.search(r"```js\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block
    code, _, _ = block[1].partition("\nfor ")  # which reads something with each client
    for name, value in (("SUPABASE", supabase), ("EDGE", edge), ("KEY", key)):
        code, found = re.subn(rf'\b{name} = "[^"]*"', f"{name} = {json.dumps(value)}", code)
        assert found == 1
    own_client = re.sub(r"^import .*", "const { createClient } = window.supabase", code)
    return f"{own_client}\nexport const client = readsOnly"


def knowing_the_edge_alone(edge: str, _supabase: str, key: str) -> str:
    """Return a client that has the Worker's URL for everything."""
    return f"export const client = window.supabase.createClient({edge!r}, {key!r})"


class App(BaseHTTPRequestHandler):
    """Serves the app's files."""

    def __init__(self, files: Files, *arguments: object) -> None:
        self._files = files
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Send a file."""
        media_type, content = self._files.get(self.path, ("text/plain", b""))
        self.send_response(200 if content else 404)
        self.send_header("content-type", media_type)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Print nothing."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser."""
    with launched() as running_browser:
        yield running_browser


@pytest.fixture(scope="module")
def node(supabase: stack.Supabase) -> Iterator[JavaScript]:
    """Return supabase-js outside of a browser."""
    with javascript(supabase.url) as player:
        yield player


def files_with(app: str) -> Files:
    """Return the app's files. One of them makes the client."""
    script = "text/javascript"
    return {
        "/": ("text/html", (CLIENTS / "app.html").read_bytes()),
        "/shop.mjs": (script, (CLIENTS / "shop.mjs").read_bytes()),
        "/supabase.js": (script, SUPABASE_JS.read_bytes()),
        "/app.mjs": (script, app.encode()),
    }


def gateway(handler: Handler) -> None:
    """Pass the request on, but treat pages of other sites as Supabase's gateway does."""
    origin = "*"
    if handler.command != "OPTIONS":
        return forward(handler, access_control_allow_origin=origin)
    return handler.answer(
        200,
        access_control_allow_origin=origin,
        access_control_allow_headers=handler.headers["access-control-request-headers"],
        access_control_allow_methods="GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS",
    )


class Customer:
    """Somebody who uses the app."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def sign_in(self, email: str) -> None:
        """Sign up, and then sign in with the password."""
        account = {"email": email, "password": PASSWORD}
        assert self._page.evaluate("account => app.signIn(account)", account) is None

    def puts(self, line: object) -> None:
        """Put an item into the cart."""
        assert self._page.evaluate("line => app.put(line)", line) is None

    def reads(self, name: str) -> Outcome:
        """Return what the app shows."""
        outcome: Outcome = self._page.evaluate("name => app.read(name)", name)
        return outcome


def asked_of_supabase(edge: Edge) -> int:
    """Return how many reads and calls reached Supabase, without preflights."""
    asked = zip(edge.upstream.methods, edge.upstream.requests, strict=True)
    return sum(method != "OPTIONS" and "/rest/v1/" in path for method, path in asked)


@pytest.mark.parametrize("client", [reading_from_the_edge, knowing_the_edge_alone])
def test_customers_of_an_app_in_a_browser(
    browser: Browser,
    shop_edge: Edge,
    upstream: Server,
    node: JavaScript,
    client: Callable[[str, str, str], str],
) -> None:
    """The second time, what everybody gets comes from the cache. A cart is its owner's."""
    edge, nobody = shop_edge, Caller(PUBLISHABLE_KEY)
    edge.upstream.always = gateway
    files = files_with(client(edge.url, upstream.url, nobody.key))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(App, files))
    with running(server):
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        customer = Customer(page)
        customer.sign_in(f"{client.__name__}@example.com")
        customer.puts({"id": 100, "item_id": 4, "quantity": 7})
        for is_known in (False, True):
            before = asked_of_supabase(edge)
            for read in shop.PUBLIC:
                directly = node.play(read, nobody, node.supabase)
                assert customer.reads(read) == directly, read
            if is_known:
                assert asked_of_supabase(edge) == before
            edge.kv.wait()
            mine = [{"quantity": 7, "items": {"name": "Coffee"}}]
            assert customer.reads("cart")["data"] == mine
        page.close()
