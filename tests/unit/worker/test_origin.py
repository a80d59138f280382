"""From which pages a browser may send requests."""

from __future__ import annotations

import pytest

from edge_cache.errors import ForeignOrigin
from edge_cache.urls import cut
from edge_cache.worker.origin import require_own_origin


@pytest.mark.parametrize("host", ["localhost:8787", "localhost", "127.0.0.1:80", "[::1]:8787"])
@pytest.mark.parametrize("site", [None, "same-origin"])
def test_the_own_page_may_send_requests(host: str, site: str | None) -> None:
    """A program, or a person who types the address, names no origin. They may, too."""
    url = f"http://{host}/revalidate"
    for origin in (f"http://{host}", None):
        require_own_origin({"origin": origin, "sec-fetch-site": site}.get, cut(url))
    require_own_origin({"sec-fetch-site": "none"}.get, cut(url))


@pytest.mark.parametrize(
    "sent",
    [
        *(
            {"origin": origin}
            for origin in (
                *("null", "", "https://example.com", "http://[", "http://localhost"),
                *("http://localhost:87870", "http://127.0.0.1:8787", "http://localhost:8787.x.com"),
            )
        ),
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://localhost:8787", "sec-fetch-site": "cross-site"},
    ],
)
def test_a_page_of_another_site_may_not(sent: dict[str, str]) -> None:
    """A request for an image names no origin, but it names its site."""
    with pytest.raises(ForeignOrigin):
        require_own_origin(sent.get, cut("http://localhost:8787/revalidate"))
