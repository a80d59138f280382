"""Who may revalidate: people and Supabase's Database Webhooks must send the secret."""

from __future__ import annotations

import hashlib
import hmac

from edge_cache.errors import SecretNotConfigured, Unauthorized
from edge_cache.urls import Url

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


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
