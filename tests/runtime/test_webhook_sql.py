"""`supabase/webhook.sql`, on a real Postgres: its trigger sends what the Worker takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from edge import Edge
from pglite import said_by


@pytest.fixture(scope="module")
def trigger() -> dict[str, Any]:
    """Return what the trigger sent for an insert, an update of the id and a delete."""
    return said_by("trigger.mjs", "schemas/articles.sql", "webhook.sql")


def test_the_trigger_sends_what_the_worker_takes(edge: Edge, trigger: dict[str, Any]) -> None:
    """Each payload is acknowledged; an edit before the secrets are set is not blocked."""
    kinds = [call["body"]["type"] for call in trigger["sent"]]
    assert kinds == ["INSERT", "UPDATE", "DELETE"]
    for call in trigger["sent"]:
        assert edge.http.post("/revalidate", json=call["body"]).json() == {"received": True}
    edge.settle()


def test_the_secret_comes_from_vault_and_no_row_is_sent(trigger: dict[str, Any]) -> None:
    """Neither the function's text nor the payload holds anything private."""
    for call in trigger["sent"]:
        assert call["url"] == "https://x/revalidate"
        assert call["headers"]["authorization"] == "Bearer from-vault"
        assert "private text" not in json.dumps(call)
    assert "from-vault" not in trigger["definition"]
