"""Whether a request's token is a signed-in user's, as Supabase Auth issues it.

The token is looked at and not verified, because a forged one gains nothing: whoever has a session
gets from the cache only what everybody gets. If the token is expired or odd, the request is passed
on, so that the client hears of it from Supabase.
https://supabase.com/docs/guides/auth/jwt-fields
"""

from __future__ import annotations

import base64
import math
from collections import OrderedDict
from dataclasses import dataclass

from edge_cache.ports import NowMs
from edge_cache.supabase.parsing import Number, loads

MAX_TOKEN_CHARS = 8_000
"""A longer token is passed on."""

_REMEMBERED = 1000
_MAX_REMEMBERED_CHARS = 2_000
"""A longer token is read each time."""

_SKEW_MS = 30_000
"""PostgREST accepts a token this long before it is valid and after it has expired."""

_ROLE = _AUDIENCE = "authenticated"


@dataclass(frozen=True, slots=True)
class _Lifetime:
    """From when until when a token is accepted: Unix times in milliseconds."""

    from_ms: float
    until_ms: float


_NEVER = _Lifetime(math.inf, -math.inf)


class Sessions:
    """Looks at tokens. It remembers what it read in equal tokens before."""

    def __init__(self, now_ms: NowMs) -> None:
        self._now_ms = now_ms
        self._known: OrderedDict[str, _Lifetime] = OrderedDict()

    def accepts(self, token: str) -> bool:
        """Return whether a token is a signed-in user's, and has not expired."""
        if len(token) > MAX_TOKEN_CHARS:
            return False
        lifetime = self._known.get(token)
        if lifetime is None:
            lifetime = _lifetime_of(token)
            self._remember(token, lifetime)
        return lifetime.from_ms - _SKEW_MS <= self._now_ms() < lifetime.until_ms + _SKEW_MS

    def _remember(self, token: str, lifetime: _Lifetime) -> None:
        if len(token) <= _MAX_REMEMBERED_CHARS:
            self._known[token] = lifetime
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


def _lifetime_of(token: str) -> _Lifetime:
    """Return when a token is accepted: never, if it is not a signed-in user's."""
    claims = _claims_in(token)
    if claims.get("role") != _ROLE or not _is_for_us(claims.get("aud")):
        return _NEVER
    if claims.get("is_anonymous", False) not in (True, False):
        return _NEVER
    begins = [_ms(claims[name]) for name in ("iat", "nbf") if name in claims]
    until = _ms(claims.get("exp"))
    if until is None or None in begins:
        return _NEVER
    return _Lifetime(max((one for one in begins if one is not None), default=0), until)


def _is_for_us(audience: object) -> bool:
    return audience == _AUDIENCE or (isinstance(audience, list) and _AUDIENCE in audience)


def _ms(seconds: object) -> float | None:
    return float(seconds) * 1000 if isinstance(seconds, Number) else None


def _claims_in(token: str) -> dict[str, object]:
    """Return the claims of a JSON Web Token (RFC 7519), or none if it is not one."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004  header, claims, signature
        return {}
    padding = "=" * (-len(parts[1]) % 4)
    try:
        claims = loads(base64.b64decode(parts[1] + padding, altchars="-_", validate=True))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}
