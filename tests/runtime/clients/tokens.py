"""Users' tokens: as Supabase Auth signs them, and as an attacker or an accident makes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

Claims = Mapping[str, object]

Sign = Callable[[Claims], str]
"""Returns the token with some claims, which Supabase takes for one of its own."""

LIFETIME_S = 3600

LIKE_A_USERS = frozenset(
    {"forged", "of another user", "alg none", "expired just now", "of another issuer", "cut off"}
)
"""Odd tokens that look like a user's, as long as nobody looks at the signature."""


def claims_of(user: str, **changed: object) -> dict[str, object]:
    """Return the claims of a user who has just signed in."""
    now_s = int(time.time())
    times = {"iat": now_s - LIFETIME_S // 2, "exp": now_s + LIFETIME_S}
    return {"sub": user, "role": "authenticated", "aud": "authenticated", **times, **changed}


def signed(claims: Claims, secret: str) -> str:
    """Return a token that is signed with a secret (RFC 7519)."""
    text = _unsigned({"alg": "HS256", "typ": "JWT"}, claims)
    return f"{text}.{_encoded(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))}"


def anonymous(user: str, sign: Sign) -> str:
    """Return the token of an anonymous sign-in."""
    return sign(claims_of(user, is_anonymous=True))


def odd(user: str, sign: Sign) -> dict[str, str]:
    """Return tokens that are not simply a user's, by what is odd."""
    claims, now_s = claims_of(user), int(time.time())
    right = sign(claims)
    return {
        "forged": signed(claims, "another secret of 32 characters.."),
        "of another user": signed(claims_of("0b1c2d3e-0000-4000-8000-00000000000f"), "x" * 32),
        "alg none": f"{_unsigned({'alg': 'none'}, claims)}.",
        "expired": sign({**claims, "exp": now_s - 60}),
        "expired just now": sign({**claims, "exp": now_s - 1}),
        "not valid yet": sign({**claims, "nbf": now_s + 600}),
        "of anon": sign({**claims, "role": "anon"}),
        "of service_role": sign({**claims, "role": "service_role"}),
        "forged for service_role": signed({**claims, "role": "service_role"}, "y" * 32),
        "without a role": sign(_without("role", claims)),
        "without an audience": sign(_without("aud", claims)),
        "of another issuer": sign({**claims, "iss": "https://other.example/auth/v1"}),
        "long": sign({**claims, "user_metadata": {"text": "x" * 10_000}}),
        "two dots": "..",
        "cut off": right[:-10],
        "with a tail": f"{right}.x",
    }


def _without(name: str, claims: Claims) -> Claims:
    return {key: value for key, value in claims.items() if key != name}


def _unsigned(header: Mapping[str, Any], claims: Claims) -> str:
    return ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")
