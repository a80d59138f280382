"""`npm start`: its command line, and what it prints."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from diagnosis.findings import fail
from diagnosis.tables import Reading
from edge_cache.config import settings_from
from edge_cache.supabase.pages import Page
from edge_cache.tables import Declared, Table, declared_by
from local.ports import free_port
from shared.failure import Failure
from starting import own_project, words
from starting.arguments import parsed
from starting.outlook import in_files

SERVED = words.Served("http://127.0.0.1:1", "http://127.0.0.1:2", "public", "secret", None)


@pytest.mark.parametrize(
    ("name", "value", "words", "advice"),
    [
        ("npm_config_port", "true", ["8790"], "`npm start -- --port 8790`"),
        ("npm_config_port", "8790", [], "`npm start -- --port 8790`"),
        ("npm_config_supabase_port", "54400", [], "`npm start -- --supabase-port 54400`"),
        ("npm_config_project", "true", [], "`npm start -- --project`"),
    ],
)
def test_an_option_that_npm_kept_is_noticed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: list[str], advice: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Failure, match="two dashes") as raised:
        parsed(words)
    assert advice in str(raised.value)


def test_options_after_two_dashes_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Npm has a setting of its own for some."""
    monkeypatch.setenv("npm_config_port", "1")
    port = free_port()
    assert parsed([f"--port={port}", "--project"]).port == port


def reading(table: Table, *rows: dict[str, object]) -> Reading:
    """Return a table that was read."""
    page = Page(json.dumps(rows).encode(), 0, len(rows), len(rows))
    return Reading(table, page, page)


def test_the_commands_are_for_what_is_declared() -> None:
    """A row has text, or else no edit is suggested."""
    table = Table("goods", key="sku", schema="shop")
    declared = Declared((table,), frozenset({("best", "shop"), ("rpc/find", "shop")}))
    rows: tuple[dict[str, object], ...] = (
        {"sku": "x y", "size": 1},
        {"sku": "a b", "note": "it's blue"},
    )
    text = words.ready(SERVED, declared, [reading(table, *rows)])
    assert "goods (table), shop.best (view), shop.find (function)." in text
    assert "curl -i http://localhost:1/goods\n" in text
    assert "'http://localhost:1/rest/v1/best?limit=5' -H 'apikey: public'" in text
    assert "-H 'accept-profile: shop'" in text
    assert "curl -X PATCH 'http://localhost:2/rest/v1/goods?sku=eq.a%20b'" in text
    assert "-H 'content-profile: shop'" in text
    assert """-d '{"note": "it'"'"'s blue, edited"}'""" in text
    assert "PATCH" not in words.ready(SERVED, declared, [reading(table, rows[0])])


def test_a_secret_of_ones_own_is_not_printed() -> None:
    """That of `npm start` is known to everybody."""
    given = {
        "SUPABASE_URL": "https://abc.supabase.co",
        "SUPABASE_ANON_KEY": "sb_publishable_a",
        "REVALIDATE_SECRET": "private",
    }
    settings = settings_from(given.get, lambda _binding, _method: True)
    text = words.ready(own_project.served(SERVED.worker, settings), Declared(), [])
    assert "private" not in text
    assert 'http://localhost:1/revalidate -H "authorization: Bearer $REVALIDATE_SECRET"' in text
    text = words.ready(replace(SERVED, secret="local"), Declared(), [])
    assert "-H 'authorization: Bearer local'" in text


def test_nothing_of_the_example_is_assumed() -> None:
    """Somebody may declare watched tables and functions alone."""
    declared = declared_by(json.dumps({"tags": {"watch": True}, "find": {"function": True}}))
    text = words.ready(SERVED, declared, [])
    assert "find (function), tags (watched table)." in text
    assert "articles" not in text


def test_advice_for_a_local_database_is_about_files() -> None:
    finding = fail("a", "Closed.", "If it is public, run `grant x;` in the SQL editor.")
    assert "write `grant x;` into a file of supabase/schemas." in in_files(finding).advice
    finding = fail("a", "Old.", 'Create it, then run the script of "npm run --silent sql" again.')
    assert in_files(finding).advice == "Create it, then start again."
