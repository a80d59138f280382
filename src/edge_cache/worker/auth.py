"""Who may revalidate. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from edge_cache.errors import ForeignOrigin, SecretNotConfigured, Unauthorized
from edge_cache.urls import Url

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

_OWN_SITE = frozenset({None, "none", "same-origin"})
"""What browsers say of a page's own requests, and of those that a person began (``none``).
https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header"""


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


def require_own_origin(header: Callable[[str], str | None], url: Url) -> None:
    """Raise ForeignOrigin if a browser sends the request for a page of another site.

    A browser lets any page send a GET or a POST to this machine. Without a secret, nothing else
    would stop it.
    """
    origin = header("origin")
    is_own = origin is None or origin.partition("://")[2] == url.netloc
    if not is_own or header("sec-fetch-site") not in _OWN_SITE:
        raise ForeignOrigin(
            "While REVALIDATE_SECRET is not set, a browser may revalidate for the Worker's own "
            "page only; set it, and send it as `Authorization: Bearer …`."
        )


def _equal(token: str, secret: str) -> bool:
    """Compare in a time that tells nothing about the secret, not even its length."""
    digests = [hashlib.sha256(text.encode()).digest() for text in (token, secret)]
    return hmac.compare_digest(*digests)
