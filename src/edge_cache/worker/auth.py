"""Who may revalidate: a sender must have the secret.

The project's own triggers sign the body with it, so that the secret stays in the database's Vault.
People, and Supabase's own Database Webhooks, send the secret itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from edge_cache.errors import SecretNotConfigured, Unauthorized
from edge_cache.urls import Url

MAX_SKEW_S = 5 * 60
"""If a signature's time differs from the Worker's clock by more, it is refused."""

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_SCHEME = "v1,"
_MAX_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Signature:
    """The headers of the Standard Webhooks specification, as they were sent.

    ``sent`` is one or more signatures with spaces between them. ``timestamp`` is in Unix seconds.
    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """

    sent: str
    webhook_id: str
    timestamp: str

    def require_recent(self, now_ms: int) -> None:
        """Raise Unauthorized if its time differs from the Worker's by more than `MAX_SKEW_S`."""
        if not (self.timestamp.isascii() and self.timestamp.isdecimal()):
            raise _refused("A signature needs `webhook-timestamp`, in Unix seconds.")
        too_long = len(self.timestamp) > _MAX_DIGITS
        if too_long or abs(now_ms / 1000 - int(self.timestamp)) > MAX_SKEW_S:
            raise _refused(
                "`webhook-timestamp` differs from the Worker's clock by more than five minutes: "
                "check the sender's clock."
            )

    def require(self, secrets: tuple[str, ...], body: bytes) -> None:
        """Raise Unauthorized unless this body was signed with one of the secrets."""
        expected = [self._expected(secret, body) for secret in secrets]
        given = self.sent.encode().split(b" ")
        if not any(hmac.compare_digest(one, other) for one in given for other in expected):
            raise _refused("`webhook-signature` does not fit this body and REVALIDATE_SECRET.")

    def _expected(self, secret: str, body: bytes) -> bytes:
        digest = hmac.new(
            secret.encode(), f"{self.webhook_id}.{self.timestamp}.".encode(), hashlib.sha256
        )
        digest.update(body)
        return _SCHEME.encode() + base64.b64encode(digest.digest())


def signature_in(header: Callable[[str], str | None]) -> Signature | None:
    """Return the signature of a request, or None if it has none."""
    sent = header("webhook-signature")
    if sent is None:
        return None
    return Signature(sent, header("webhook-id") or "", header("webhook-timestamp") or "")


def require_secret(secrets: tuple[str, ...], authorization: str | None, url: Url) -> None:
    """Raise Unauthorized or SecretNotConfigured unless the request may revalidate.

    Each of the ``secrets`` is valid. If there is none, only requests to this machine may
    revalidate, so that ``wrangler dev`` needs no set-up.
    """
    if is_open(secrets, url):
        return
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _refused("Send `Authorization: Bearer …` with the value of REVALIDATE_SECRET.")
    if not any(_equal(token.strip(), secret) for secret in secrets):
        raise Unauthorized(
            "The bearer token is not the value of REVALIDATE_SECRET.", token_was_sent=True
        )


def is_open(secrets: tuple[str, ...], url: Url) -> bool:
    """Return whether nobody needs a secret.

    Raises SecretNotConfigured if a secret is needed and none is set.
    """
    if secrets:
        return False
    if url.host in _LOCAL_HOSTS:
        return True
    raise SecretNotConfigured(
        "REVALIDATE_SECRET is not set, so nobody may revalidate. Set it with "
        "`npx wrangler secret put REVALIDATE_SECRET`, and send it as "
        "`Authorization: Bearer …`."
    )


def _refused(detail: str) -> Unauthorized:
    return Unauthorized(detail, token_was_sent=False)


def _equal(token: str, secret: str) -> bool:
    """Compare. The time that this takes shows nothing of the secret, not even its length."""
    digests = [hashlib.sha256(text.encode()).digest() for text in (token, secret)]
    return hmac.compare_digest(*digests)
