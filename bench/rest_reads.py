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
"""As its version 2.119.1 sends them from Node.js, but for Accept-Encoding.

Miniflare packs answers in front of the Worker, as Cloudflare does: those that say they are JSON,
which the floor's do not.
"""

USERS_HEADERS = {**HEADERS, "authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.e30.of-a-user"}
"""The same of somebody who has logged in."""

PATH = "/rest/v1/articles?select=*&order=id.asc&limit=25"

ENTRY_KEY = "/rest/v1/articles;profile=public?limit=25&order=id.asc&select=*"
"""Where ours keeps the answer in KV."""


def filtered(number: int | str) -> str:
    """Return the path of a read that is another one for each number; the rows are the same."""
    return f"{PATH}&likes=gte.{number}"


def filtered_key(number: int) -> str:
    """Return where ours keeps the answer to it."""
    return ENTRY_KEY.replace("?", f"?likes=gte.{number}&")
