"""What Supabase's clients get from a shared cache in front of the Worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from clients import shop
from clients.players import Caller, Player, javascript, python
from edge import Database, Edge, EdgeOf, eventually
from upstream import Server, hanging_up
from varnished import StartCache, client_of, was_kept

from local import stack, varnish

LIST = "/rest/v1/items?select=id,name,price&order=name"
KEPT = frozenset(shop.PUBLIC) - {"search", "cheap_search", "number_of_items", "second_page"}
"""Of what everybody gets the same of: all but calls by POST and counts."""

PAST_S = 1.2
"""After this time, an answer that may be kept for a second is no longer fresh."""

Shop = Callable[[int], Edge]


@pytest.fixture(scope="module")
def players(supabase: stack.Supabase) -> Iterator[dict[str, Player]]:
    """Return both clients, by their language."""
    with ExitStack() as running:
        js: Player = running.enter_context(javascript(supabase.url))
        py: Player = running.enter_context(python())
        yield {"js": js, "py": py}


@pytest.fixture(params=["js", "py"])
def player(players: dict[str, Player], request: pytest.FixtureRequest) -> Player:
    """Return one of the clients."""
    return players[request.param]


@pytest.fixture
def shop_of(edge_of: EdgeOf, database: Database, users: dict[str, Caller]) -> Iterator[Shop]:
    """Return a function that lets shared caches keep the shop's answers for so many seconds."""
    with ExitStack() as ends:

        def opened(seconds: int) -> Edge:
            owners = {str(users["anna"].user): 1, str(users["bert"].user): 2}
            variable = {"SHARED_MAX_AGE_SECONDS": str(seconds)}
            return ends.enter_context(shop.known_to(edge_of, database, owners, **variable))

        yield opened


@pytest.fixture
def lasting(shop_of: Shop) -> Edge:
    """Return the Worker in front of the shop. Its answers may be kept for longer than any test."""
    return shop_of(600)


@pytest.fixture
def front(start_cache: StartCache, gate: Server) -> varnish.SharedCache:
    """Return a shared cache in front of the Worker. The gate sees what the Worker is asked."""
    return start_cache(gate.url)


@pytest.fixture
def http(front: varnish.SharedCache, supabase: stack.Supabase) -> Iterator[httpx.Client]:
    """Return a client of the shared cache that sends the public key, as Supabase's clients do."""
    key = supabase.publishable_key
    with client_of(front) as client:
        client.headers.update({"apikey": key, "authorization": f"Bearer {key}"})
        yield client


@pytest.mark.usefixtures("lasting")
def test_everybody_gets_the_same_as_from_supabase(
    gate: Server,
    front: varnish.SharedCache,
    supabase: stack.Supabase,
    users: dict[str, Caller],
    player: Player,
) -> None:
    """The Worker is asked once for what everybody may see. Others never get what was kept."""
    anonymous, anna = users["anonymous"], users["anna"]
    for caller in (anonymous, anna, users["bert"], users["secret"], anonymous):
        for read in shop.READS:
            assert player.play(read, caller, front.url) == player.play(read, caller, supabase.url)
    before = len(gate.script.requests)
    for read in KEPT:
        player.play(read, anonymous, front.url)
    assert gate.script.requests[before:] == []
    for read in KEPT:
        player.play(read, anna, front.url)
    assert len(gate.script.requests) == before + len(KEPT)


@pytest.mark.usefixtures("lasting")
def test_a_forged_token_shows_nothing_that_is_somebodys(
    front: varnish.SharedCache,
    supabase: stack.Supabase,
    users: dict[str, Caller],
    players: dict[str, Player],
) -> None:
    """What everybody gets, it gets from the Worker as well."""
    forged = Caller(users["anna"].key, f"{users['anna'].token}x")
    player = players["py"]  # supabase-js signs in by itself
    for read in shop.OWN:
        for caller in (users["anna"], forged):
            assert player.play(read, caller, front.url) == player.play(read, caller, supabase.url)


@pytest.mark.usefixtures("lasting")
def test_pages_of_all_sites_share_an_answer(http: httpx.Client) -> None:
    """The answer says of which rows it is, and any page may read it. Other keys have their own."""
    first = http.get(LIST, headers={"origin": "https://a.example"}).raise_for_status()
    again = http.get(LIST, headers={"origin": "https://b.example"})
    assert (was_kept(first), was_kept(again)) == (False, True)
    assert again.content == first.content
    assert again.headers["access-control-allow-origin"] == "*"
    assert "Origin" not in again.headers["vary"]
    assert again.headers["content-range"] == first.headers["content-range"] == "0-5/*"
    other = http.get(LIST, headers={"accept": "text/csv"})
    assert other.headers["content-type"].startswith("text/csv")
    for key in ("wrong", "wrong"):
        asked = {"apikey": key, "authorization": f"Bearer {key}"}
        assert not was_kept(http.get(LIST, headers=asked))


def test_edits_show_and_a_deleted_row_stays_away(
    shop_of: Shop, gate: Server, http: httpx.Client
) -> None:
    """The kept answers outlive the Worker, with what they showed last."""
    edge = shop_of(1)
    one = "/rest/v1/items?select=name&id=eq.2"
    for path in (LIST, one):
        assert "Black tea" in http.get(path).raise_for_status().text
    edge.db.http.patch("/items", params={"id": "eq.1"}, json={"name": "Edited"})
    edge.db.http.delete("/items", params={"id": "eq.2"}).raise_for_status()
    edge.tick(minute=2)
    eventually(lambda: "Edited" in http.get(LIST).text, "the edit")
    eventually(lambda: http.get(one).json() == [], "the deletion")
    gate.script.always = hanging_up
    time.sleep(PAST_S)
    for _ in range(2):
        assert "Edited" in http.get(LIST).raise_for_status().text
        assert http.get(one).json() == []
