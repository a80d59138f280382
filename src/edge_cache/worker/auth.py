"""Who may revalidate. Pure."""

from __future__ import annotations

import hashlib
import hmac

from edge_cache.errors import SecretNotConfigured, Unauthorized
from edge_cache.urls import Url

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def require_secret(secrets: tuple[str, ...], authorization: str | None, url: Url) -> None:
    """Return if the request may revalidate; otherwise raise Unauthorized or SecretNotConfigured.

    Any of the ``secrets`` opens. Without one only requests to this machine may, so that
    ``wrangler dev`` needs no set-up.
    """
    if not secrets:
        if url.host in _LOCAL_HOSTS:
            return
        raise SecretNotConfigured(
            "REVALIDATE_SECRET is not set, so nobody may revalidate. Set it with "
            "`npx wrangler secret put REVALIDATE_SECRET`, and send it as "
            "`Authorization: Bearer …`."
        )
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized(
            "Send `Authorization: Bearer …` with the value of REVALIDATE_SECRET.",
            token_was_sent=False,
        )
    if not any(_equal(token.strip(), secret) for secret in secrets):
        raise Unauthorized(
            "The bearer token is not the value of REVALIDATE_SECRET.", token_was_sent=True
        )


def _equal(token: str, secret: str) -> bool:
    """Compare in a time that tells nothing about the secret, not even its length."""
    digests = [hashlib.sha256(text.encode()).digest() for text in (token, secret)]
    return hmac.compare_digest(*digests)
