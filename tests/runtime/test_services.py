"""`PASS_THROUGH`: which other services of Supabase are passed on."""

from __future__ import annotations

import pytest
import websocket
from edge import Edge, EdgeOf
from upstream import answering

REST = "/rest/v1/articles"
BYPASS = "supabase-edge-cache; fwd=bypass; "
METHOD = "supabase-edge-cache; fwd=method; "
SERVICES = [
    "/auth/v1/user",
    "/storage/v1/object/a",
    "/functions/v1/f",
    "/graphql/v1",
    "/realtime/v1",
]


@pytest.fixture
def everything(edge_of: EdgeOf) -> Edge:
    """Return a Worker that passes on every service."""
    return edge_of({"PASS_THROUGH": "all"})


@pytest.fixture
def off(edge_of: EdgeOf) -> Edge:
    """Return a Worker that passes on nothing."""
    return edge_of({"PASS_THROUGH": "off"})


def test_off_passes_nothing_on(off: Edge) -> None:
    """The 403 says which setting forbids it. Preflights succeed, so that a page can read this.

    Tables are still served.
    """
    for method in ("GET", "PATCH"):
        response = off.http.request(method, REST)
        assert (response.status_code, response.json()["code"]) == (403, "EDGE_NOT_PASSED_ON")
        assert response.headers["access-control-allow-origin"] == "*"
    assert off.http.options(REST).status_code == 204
    assert off.asked == 0
    assert off.titles() == ["First blog", "Second blog", "Third blog"]


def test_all_passes_the_services_on(everything: Edge) -> None:
    """Reads, writes and other requests are passed on. The log has only the service's name."""
    everything.upstream.always = answering(200, b"{}")
    wanted, lines = [], []
    for path in SERVICES:
        read = everything.get(f"{path}?token=private")
        assert read.headers["cache-status"] == BYPASS + "fwd-status=200; detail=service"
        written = everything.http.post(path, content=b"x")
        assert written.headers["cache-status"] == METHOD + "fwd-status=200"
        wanted += [f"{path}?token=private", path]
        service = "/".join(path.split("/")[:3])
        lines += [(service, "GET", "service"), (service, "POST", "method")]
    assert everything.upstream.requests == wanted
    assert [
        (line["path"], line["method"], line["reason"])
        for line in everything.log.wait_for("bypass", count=len(lines))
    ] == lines


def test_all_passes_options_of_services_on(everything: Edge) -> None:
    """Resumable uploads use OPTIONS to ask what a server can do."""
    everything.upstream.always = answering(204, tus_version="1.0.0", access_control_max_age="5")
    response = everything.http.options("/storage/v1/upload/resumable")
    assert (response.status_code, response.headers["tus-version"]) == (204, "1.0.0")
    assert response.headers["access-control-max-age"] == "5"
    assert everything.http.options(REST).headers["access-control-max-age"] == "86400"
    assert everything.upstream.methods == ["OPTIONS"]


def test_all_passes_web_sockets_on(everything: Edge) -> None:
    """Messages travel both ways until one side closes."""
    everything.upstream.always = websocket.echoing
    url, path = str(everything.http.base_url), "/realtime/v1/websocket?apikey=private"
    with websocket.connected(url, path) as client:
        assert client.answered.startswith("HTTP/1.1 101 ")
        assert [client.ask(text) for text in (b"one", b"two")] == [b"one", b"two"]
    assert everything.upstream.requests == [path]
    (line,) = everything.log.wait_for("bypass")
    assert (line["path"], line["status"]) == ("/realtime/v1", 101)
