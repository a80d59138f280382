"""Who may revalidate."""

from __future__ import annotations

import pytest
from edge import SECRET, Edge, payload

WEBHOOK = payload("UPDATE", {"id": 1})


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_secret_opens(guarded: Edge, method: str, scheme: str) -> None:
    """As a bearer token."""
    headers = {"authorization": f"{scheme} {SECRET}"}
    response = guarded.http.request(method, "/revalidate", headers=headers, json=WEBHOOK)
    assert response.json() == {"received": True}


WRONG = {
    "none": None,
    "empty": "",
    "no token": "Bearer",
    "another": "Bearer wrong",
    "a beginning": f"Bearer {SECRET[:-1]}",
    "longer": f"Bearer {SECRET}x",
    "another case": f"Bearer {SECRET.upper()}",
    "another scheme": f"Basic {SECRET}",
    "no scheme": SECRET,
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("authorization", WRONG.values(), ids=WRONG.keys())
def test_without_it_no_work_is_done(guarded: Edge, method: str, authorization: str | None) -> None:
    """401 says how to authenticate; Supabase is not asked and nothing recorded."""
    headers = {} if authorization is None else {"authorization": authorization}
    response = guarded.http.request(method, "/revalidate", headers=headers, json=WEBHOOK)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == _challenge(authorization)
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["type"] == "urn:supabase-edge-cache:unauthorized"
    assert (guarded.asked, guarded.status()["pending"]) == (0, 0)
    assert SECRET not in response.text + guarded.log.text()


def _challenge(authorization: str | None) -> str:
    """Return what RFC 6750 wants: an error only if a token was sent."""
    sent = (authorization or "").startswith("Bearer ")
    return 'Bearer realm="revalidate"' + (', error="invalid_token"' if sent else "")


def test_reads_need_no_secret(guarded: Edge) -> None:
    """The data is what the public key may see."""
    assert guarded.get("/articles").status_code == 200
    assert guarded.get("/health").status_code == 200


def test_without_a_secret_it_is_open_on_localhost(edge: Edge) -> None:
    """The lesson's demonstration in the browser works in `wrangler dev`."""
    assert edge.get("/revalidate").json() == {"received": True}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_secret_it_is_closed_elsewhere(edge: Edge, method: str) -> None:
    """503 says which secret to set and how, and no work is done."""
    headers = {"host": "cache.example.com"}
    response = edge.http.request(method, "/revalidate", headers=headers, json=WEBHOOK)
    assert response.status_code == 503
    assert "npx wrangler secret put REVALIDATE_SECRET" in response.json()["detail"]
    assert (edge.asked, edge.status()["pending"]) == (0, 0)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_secret_a_page_of_another_site_may_not(edge: Edge, method: str) -> None:
    """A browser lets it send these requests; no work is done."""
    own = f"http://localhost:{edge.http.base_url.port}"
    for sent in (
        {"origin": "https://example.com"},
        {"origin": "null"},
        {"origin": own.rpartition(":")[0]},
        {"origin": f"{own}0"},
        {"sec-fetch-site": "cross-site"},
    ):
        headers = {"host": own.partition("//")[2], **sent}
        response = edge.http.request(method, "/revalidate", headers=headers, json=WEBHOOK)
        assert response.status_code == 403, sent
        assert response.json()["type"] == "urn:supabase-edge-cache:foreign-origin"
    assert (edge.asked, edge.status()["pending"]) == (0, 0)
    for headers in ({"origin": own, "sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}):
        headers["host"] = own.partition("//")[2]
        response = edge.http.request(method, "/revalidate", headers=headers, json=WEBHOOK)
        assert response.json() == {"received": True}


def test_with_the_secret_a_page_of_another_site_may(guarded: Edge) -> None:
    """No browser adds it by itself."""
    headers = {"origin": "https://example.com", "authorization": f"Bearer {SECRET}"}
    assert guarded.http.get("/revalidate", headers=headers).json() == {"received": True}
