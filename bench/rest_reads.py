"""A read as supabase-js sends it: a page of a list, with the public key."""

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

USERS_HEADERS = {**HEADERS, "authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.e30.of-a-user"}
"""The same for a user who has logged in."""

PATH = "/rest/v1/articles?select=*&order=id.asc&limit=25"

ENTRY_KEY = "/rest/v1/articles;profile=public?limit=25&order=id.asc&select=*"
"""The key under which ours keeps the answer in KV."""


def filtered(number: int | str) -> str:
    """Return the path of a query that differs for each number, but has the same rows."""
    return f"{PATH}&likes=gte.{number}"


def filtered_key(number: int) -> str:
    """Return the key under which ours keeps its answer."""
    return ENTRY_KEY.replace("?", f"?likes=gte.{number}&")
