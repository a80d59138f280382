"""A read as supabase-js sends it: a page of a list, with the public key."""

import base64
import json

from contenders import KEY

HEADERS = {
    "accept-profile": "public",
    "x-client-info": "supabase-js/2.119.1; runtime=node; runtime-version=24.21.0",
    "apikey": KEY,
    "authorization": f"Bearer {KEY}",
    "accept": "*/*",
    "accept-language": "*",
    "sec-fetch-mode": "cors",
    "user-agent": "node",
}
"""As its version 2.119.1 sends them from Node.js, but without Accept-Encoding.

With it, Miniflare would compress answers whose type is JSON, as Cloudflare does. The floor's
answers have no type, so they would not be compressed.
"""

_USER = "0b1c2d3e-0000-4000-8000-00000000000f"
_CLAIMS = {
    "iss": "https://abcdefghijklmnopqrst.supabase.co/auth/v1",
    "sub": _USER,
    "aud": "authenticated",
    "exp": 4_102_444_800,
    "iat": 1_790_000_000,
    "email": "ada@example.com",
    "app_metadata": {"provider": "email", "providers": ["email"]},
    "user_metadata": {"email": "ada@example.com", "email_verified": True, "sub": _USER},
    "role": "authenticated",
    "session_id": _USER,
    "is_anonymous": False,
}
"""What Supabase Auth puts into a user's token. This one is valid until the year 2100."""

_HEADER, _SIGNATURE = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "of-a-user"


def _as_user(claims: object) -> dict[str, str]:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return {**HEADERS, "authorization": f"Bearer {_HEADER}.{part}.{_SIGNATURE}"}


SESSION_HEADERS = _as_user(_CLAIMS)
"""The same for a user who is signed in."""

ODD_HEADERS = _as_user({})
"""The same with a token that is nobody's. Such a request is always passed on."""

PATH = "/rest/v1/articles?select=*&order=id.asc&limit=25"

ENTRY_KEY = "/rest/v1/articles;profile=public?limit=25&order=id.asc&select=*"
"""The key under which ours keeps the answer in KV."""


def filtered(number: int | str) -> str:
    """Return the path of a query that differs for each number, but has the same rows."""
    return f"{PATH}&likes=gte.{number}"


def filtered_key(number: int) -> str:
    """Return the key under which ours keeps its answer."""
    return ENTRY_KEY.replace("?", f"?likes=gte.{number}&")
