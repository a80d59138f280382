"""Supabase's own clients get the same from the edge as from Supabase, mostly without Supabase."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from threading import Event

import pytest
from clients import expected
from clients.players import EVERYTHING, READING, Caller, Outcome, Player, javascript, python
from clients.reads import READS
from edge import Edge, eventually
from upstream import holding

from local import stack

LANGUAGES = ("js", "py")

WRITES = (
    "insert",
    "insert_again",
    "insert_rows",
    "insert_for_another",
    "update",
    "update_nothing",
    "seen",
    "seen_one",
    "upsert",
    "seen_one",
    "delete",
    "seen",
    "delete_silently",
)


@pytest.fixture(scope="module")
def players(supabase: stack.Supabase) -> Iterator[dict[str, Player]]:
    """Return both clients, by their language."""
    with ExitStack() as running:
        js: Player = running.enter_context(javascript(supabase.url))
        py: Player = running.enter_context(python())
        yield {"js": js, "py": py}


@pytest.fixture
def player(players: dict[str, Player], language: str) -> Player:
    """Return one of the clients."""
    return players[language]


def url(edge: Edge) -> str:
    """Return where the Worker listens."""
    return str(edge.http.base_url).rstrip("/")


def require_sense(read: str, outcome: Outcome) -> None:
    """Fail if a read does not do what its name says: two empty answers are easily equal."""
    code = (outcome["error"] or {}).get("code")
    if read in expected.ASKED_BY_STATUS_ALONE or read in expected.CLIENTS_OWN_ERRORS:
        assert outcome["data"] is None
    elif expected.error_code(read):
        assert code == expected.error_code(read)
    else:
        assert code is None
        assert read in expected.FINDS_NOTHING or outcome["data"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_client_reads_the_same_at_the_edge(
    library_edge: Edge, supabase: stack.Supabase, users: dict[str, Caller], player: Player
) -> None:
    """It reads from Supabase, from the cold cache and from the warm cache.

    The warm cache asks Supabase for no answer.
    """

    def played(at: str) -> dict[str, tuple[Outcome, int]]:
        """Return the result of each read, and how often Supabase was asked meanwhile."""
        found = {}
        for read in READS:
            methods = EVERYTHING if read in expected.PASSED else READING
            before = library_edge.asked
            outcome = player.play(read, users["anonymous"], at, methods)
            found[read] = outcome, library_edge.asked - before
        return found

    directly = {read: outcome for read, (outcome, _) in played(supabase.url).items()}
    for read, outcome in directly.items():
        require_sense(read, outcome)
    cold = played(url(library_edge))
    library_edge.kv.wait()
    warm = played(url(library_edge))
    for through in (cold, warm):
        assert {read: outcome for read, (outcome, _) in through.items()} == directly
    asked = {read: asked for read, (_, asked) in warm.items()}
    assert asked == {read: 0 if expected.is_cached(read) else 1 for read in READS}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_client_reads_its_own_rows_uncached(
    library_edge: Edge, supabase: stack.Supabase, users: dict[str, Caller], player: Player
) -> None:
    """Nobody else gets what row level security shows to a user or to the secret key."""
    hidden = {"id": 200, "book_id": 2, "stars": 3, "published": False, "owner": users["anna"].user}
    library_edge.db.insert([hidden], "reviews")
    try:
        public = player.play("seen", users["anonymous"], url(library_edge))
        library_edge.kv.wait()
        known = library_edge.kv.queries()
        for who in ("anna", "bert", "secret"):
            asked = library_edge.asked
            directly = player.play("seen", users[who], supabase.url)
            for _ in range(2):
                assert player.play("seen", users[who], url(library_edge)) == directly
            assert library_edge.asked == asked + 2
            assert (200 in ids(directly)) == (who in {"anna", "secret"})
        assert player.play("seen", users["anonymous"], url(library_edge)) == public
        assert 200 not in ids(public)
        assert library_edge.kv.queries() == known
    finally:
        library_edge.db.http.delete("/reviews", params={"id": "eq.200"}).raise_for_status()


def ids(outcome: Outcome) -> list[int]:
    """Return the ids of the rows that a client got."""
    return [row["id"] for row in outcome["data"]]


@pytest.mark.parametrize("who", ["anna", "secret", "anonymous"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_client_writes_through_the_edge(
    library_edge: Edge,
    supabase: stack.Supabase,
    users: dict[str, Caller],
    player: Player,
    who: str,
) -> None:
    """It inserts, updates, upserts and deletes, with reads between. Some of these are refused."""
    anonymous = who == "anonymous"
    writes = [write for write in WRITES if not (anonymous and write.startswith("seen"))]
    directly, through = (
        [player.play(write, users[who], at, EVERYTHING) for write in writes]
        for at in (supabase.url, url(library_edge))
    )
    assert dict(enumerate(through)) == dict(enumerate(directly))
    assert (directly[0]["error"] is not None) == anonymous
    assert library_edge.asked == len(writes)
    assert library_edge.kv.queries() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_gets_what_a_client_wrote_through_the_edge(
    library_edge: Edge, users: dict[str, Caller], player: Player
) -> None:
    """Nothing else says that there was a change: neither a webhook nor a trigger."""
    at = url(library_edge)

    def is_published() -> bool:
        return 104 in ids(player.play("seen", users["anonymous"], at))

    assert not is_published()
    library_edge.kv.wait()
    player.play("publish", users["secret"], at, EVERYTHING)
    eventually(is_published, "the new row")
    library_edge.kv.wait()
    player.play("delete_silently", users["secret"], at, EVERYTHING)
    eventually(lambda: not is_published(), "the row's end")


@pytest.mark.parametrize("language", ["js"])
def test_a_client_gives_up(
    library_edge: Edge, supabase: stack.Supabase, users: dict[str, Caller], player: Player
) -> None:
    """A client that aborts its request gets no answer. The next client gets its own."""
    anonymous, given_up = users["anonymous"], Event()
    library_edge.upstream.acts.append(holding(given_up))
    outcome = player.play("given_up", anonymous, url(library_edge))
    given_up.set()
    assert outcome["error"]["message"].startswith("AbortError")
    directly = player.play("columns", anonymous, supabase.url)
    assert player.play("columns", anonymous, url(library_edge)) == directly
