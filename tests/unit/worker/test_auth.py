"""Who may revalidate."""

from __future__ import annotations

import pytest

from edge_cache.errors import SecretNotConfigured, Unauthorized
from edge_cache.urls import cut
from edge_cache.worker.auth import require_secret

ELSEWHERE = "https://cache.example.com/revalidate"


@pytest.mark.parametrize("authorization", ["Bearer söcret", "bearer söcret", "Bearer  söcret "])
def test_the_secret_opens(authorization: str) -> None:
    """The scheme's case and spaces around the token do not matter."""
    require_secret(("söcret",), authorization, cut(ELSEWHERE))


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer x", "Basic söcret", "söcret"]
)
@pytest.mark.parametrize("url", [ELSEWHERE, "http://localhost:8787/revalidate"])
def test_nothing_else_does(authorization: str | None, url: str) -> None:
    """Not on localhost either, once a secret is set."""
    with pytest.raises(Unauthorized) as caught:
        require_secret(("söcret",), authorization, cut(url))
    sent = authorization == "Bearer x"
    assert caught.value.token_was_sent is sent
    assert caught.value.detail == (
        "The bearer token is not the value of REVALIDATE_SECRET."
        if sent
        else "Send `Authorization: Bearer …` with the value of REVALIDATE_SECRET."
    )


@pytest.mark.parametrize("host", ["localhost:8787", "127.0.0.1", "[::1]:8787", "LOCALHOST"])
def test_without_a_secret_this_machine_may(host: str) -> None:
    """`wrangler dev` needs no set-up."""
    require_secret((), None, cut(f"http://{host}/revalidate"))


@pytest.mark.parametrize("host", ["example.com", "localhost.example.com", "127.0.0.1.example.com"])
def test_without_a_secret_nobody_else_may(host: str) -> None:
    """The error says what to set."""
    with pytest.raises(SecretNotConfigured) as caught:
        require_secret((), "Bearer ", cut(f"http://{host}/revalidate"))
    assert caught.value.detail == (
        "REVALIDATE_SECRET is not set, so nobody may revalidate. Set it with "
        "`npx wrangler secret put REVALIDATE_SECRET`, and send it as `Authorization: Bearer …`."
    )
