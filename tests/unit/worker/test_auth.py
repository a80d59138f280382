"""Who may revalidate."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from edge_cache.errors import SecretNotConfigured, Unauthorized
from edge_cache.urls import cut
from edge_cache.worker.auth import Signature, require_secret, signature_in

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


BODY = b'{"table": "articles"}'
SIGNED_AT_S = 1_000_000
SIGNED_AT_MS = 1000 * SIGNED_AT_S


def signed_with(secret: str) -> Signature:
    """Return the body's signature, as in the Standard Webhooks specification."""
    message = b"7.%d.%s" % (SIGNED_AT_S, BODY)
    digest = hmac.digest(secret.encode(), message, hashlib.sha256)
    headers = {
        "webhook-id": "7",
        "webhook-timestamp": str(SIGNED_AT_S),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    signature = signature_in(headers.get)
    assert signature
    return signature


@pytest.mark.parametrize("secret", ["söcret", "previous", "x" * 65])
def test_a_signature_with_one_of_the_secrets_opens(secret: str) -> None:
    """If a sender is replacing its secret, it may send several signatures."""
    secrets = ("söcret", "previous", "x" * 65)
    signature = signed_with(secret)
    signature.require(secrets, BODY)
    Signature(f"v1,bm8= {signature.sent}", "7", str(SIGNED_AT_S)).require(secrets, BODY)


GOOD = signed_with("söcret")

FORGED = {
    "another secret": (signed_with("söcre"), BODY),
    "another body": (GOOD, BODY + b" "),
    "another id": (Signature(GOOD.sent, "8", GOOD.timestamp), BODY),
    "another time": (Signature(GOOD.sent, "7", str(SIGNED_AT_S + 1)), BODY),
    "a beginning": (Signature(GOOD.sent[:-1], "7", GOOD.timestamp), BODY),
    "another version": (Signature(GOOD.sent.replace("v1,", "v2,"), "7", GOOD.timestamp), BODY),
    "not a signature": (Signature("ä", "7", GOOD.timestamp), BODY),
    "nothing": (Signature("", "7", GOOD.timestamp), BODY),
}


@pytest.mark.parametrize(("signature", "body"), FORGED.values(), ids=FORGED)
def test_no_other_signature_opens(signature: Signature, body: bytes) -> None:
    """A signature is made of the id, the time and every byte of the body."""
    with pytest.raises(Unauthorized, match="`webhook-signature` does not fit this body") as caught:
        signature.require(("söcret",), body)
    assert not caught.value.token_was_sent


@pytest.mark.parametrize("off_by_s", [0, 300, -300])
def test_a_signature_opens_for_five_minutes(off_by_s: int) -> None:
    """Two machines' clocks differ, so its time may also be in the future."""
    GOOD.require_recent(SIGNED_AT_MS + 1000 * off_by_s)


@pytest.mark.parametrize("timestamp", ["1000301", "999699", "1" * 5000])
def test_an_old_signature_does_not_open(timestamp: str) -> None:
    """A signature is also refused if its time is too far in the future."""
    with pytest.raises(Unauthorized, match="differs from the Worker's clock by more than five"):
        Signature("", "", timestamp).require_recent(SIGNED_AT_MS)


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "1e6", "\u0661", "²"])
def test_a_signature_needs_a_time(timestamp: str) -> None:
    """The time has to be in digits."""
    with pytest.raises(Unauthorized, match="needs `webhook-timestamp`, in Unix seconds"):
        Signature("", "", timestamp).require_recent(SIGNED_AT_MS)
