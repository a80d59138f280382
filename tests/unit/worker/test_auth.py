"""Who may revalidate."""

from __future__ import annotations

import pytest

from edge_cache.errors import SecretNotConfigured, Unauthorized
from edge_cache.urls import cut
from edge_cache.worker.auth import is_open, require_secret

ELSEWHERE = "https://cache.example.com/revalidate"


@pytest.mark.parametrize("authorization", ["Bearer söcret", "bearer söcret", "Bearer  söcret "])
def test_the_secret_opens(authorization: str) -> None:
    """The scheme's case does not matter, nor do spaces around the token."""
    require_secret(("söcret",), authorization, cut(ELSEWHERE))


@pytest.mark.parametrize(
    "authorization",
    [
        *(None, "", "Bearer", "Basic söcret", "söcret"),
        *("Bearer x", "Bearer söcre", "Bearer söcretx", "Bearer söcret söcret"),
    ],
)
@pytest.mark.parametrize("url", [ELSEWHERE, "http://localhost:8787/revalidate"])
def test_nothing_else_opens(authorization: str | None, url: str) -> None:
    """If a secret is set, this holds on localhost, too."""
    with pytest.raises(Unauthorized) as caught:
        require_secret(("söcret",), authorization, cut(url))
    sent = (authorization or "").startswith("Bearer ")
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


@pytest.mark.parametrize(
    ("secrets", "host", "opened"),
    [
        (("söcret",), "localhost", False),
        (("söcret",), "example.com", False),
        ((), "localhost", True),
        ((), "127.0.0.1:8787", True),
    ],
)
def test_only_this_machine_is_open_and_only_without_a_secret(
    secrets: tuple[str, ...], host: str, *, opened: bool
) -> None:
    assert is_open(secrets, cut(f"http://{host}/revalidate")) is opened


def test_what_needs_a_secret_that_is_not_set_is_not_open() -> None:
    with pytest.raises(SecretNotConfigured):
        is_open((), cut(ELSEWHERE))


@pytest.mark.parametrize("secret", ["söcret", "previous"])
def test_while_the_secret_is_replaced_both_open(secret: str) -> None:
    require_secret(("söcret", "previous"), f"Bearer {secret}", cut(ELSEWHERE))
