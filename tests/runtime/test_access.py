"""Who may revalidate, shown with real requests."""

from __future__ import annotations

import pytest
from edge import SECRET, Edge, payload

WEBHOOK = payload("UPDATE", {"id": 1})


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_secret_opens_and_nothing_else_does(guarded: Edge, method: str) -> None:
    """401 says how to authenticate. Supabase is not asked, and nothing is recorded."""
    for sent in ({}, {"authorization": f"Bearer {SECRET}x"}):
        response = guarded.http.request(method, "/revalidate", headers=sent, json=WEBHOOK)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith('Bearer realm="revalidate"')
        assert response.json()["type"] == "urn:supabase-edge-cache:unauthorized"
        assert SECRET not in response.text
    assert (guarded.asked, guarded.status()["pending"]) == (0, 0)
    assert guarded.get("/articles").status_code == 200
    bearer = {"authorization": f"Bearer {SECRET}"}
    opened = guarded.http.request(method, "/revalidate", headers=bearer, json=WEBHOOK)
    assert opened.json() == {"received": True}
    assert SECRET not in guarded.log.text()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_secret_it_is_for_this_machine_alone(edge: Edge, method: str) -> None:
    """Another host may not, nor may another site's page, though a browser lets it ask."""
    for sent, status in (
        ({"host": "cache.example.com"}, 503),
        ({"origin": "https://example.com"}, 403),
    ):
        refused = edge.http.request(method, "/revalidate", headers=sent, json=WEBHOOK)
        assert refused.status_code == status
    assert (edge.asked, edge.status()["pending"]) == (0, 0)
    opened = edge.http.request(method, "/revalidate", json=WEBHOOK)
    assert opened.json() == {"received": True}
