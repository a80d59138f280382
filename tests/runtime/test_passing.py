"""What the cache does not answer: handed to Supabase, and its answer back, as they came."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import websocket
from edge import Edge, EdgeOf, StartWorker
from upstream import Handler, answering, hanging_up, streaming, until_hung_up

from local import stack
from shared.project import environment

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
EXPOSED = {
    *("content-range", "content-location", "content-profile", "content-disposition"),
    *("preference-applied", "location", "retry-after", "warning", "etag", "age", "cache-status"),
}
ASKED_BY_CLIENTS = (
    "apikey,authorization,x-client-info,accept-profile,content-profile,content-type,prefer,"
    "x-retry-count,range,x-an-apps-own"
)
METHODS = "GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS"

MB = 1_000_000
LARGE = 20 * MB
PIECE = os.urandom(50_000)

LOGIN = Path(__file__).parent / "clients" / "login.mjs"


@pytest.fixture(scope="module")
def all_worker(start_worker: StartWorker) -> stack.Worker:
    """Return a Worker that passes on every service."""
    return start_worker({"PASS_THROUGH": "all"})


@pytest.fixture
def everything(edge_of: EdgeOf, all_worker: stack.Worker) -> Edge:
    """Return that Worker in its initial state."""
    return edge_of(all_worker)


@pytest.fixture(scope="module")
def off_worker(start_worker: StartWorker) -> stack.Worker:
    """Return a Worker that passes on nothing."""
    return start_worker({"PASS_THROUGH": "off"})


@pytest.fixture
def off(edge_of: EdgeOf, off_worker: stack.Worker) -> Edge:
    """Return that Worker in its initial state."""
    return edge_of(off_worker)


def exposed(response: httpx.Response) -> set[str]:
    """Return what pages of other origins may read."""
    names = response.headers["access-control-expose-headers"].split(",")
    return {name.strip().lower() for name in names}


def test_a_read_is_answered_by_supabase(edge: Edge, supabase: stack.Supabase) -> None:
    """With its rows, status and count, of what the caller's key may see; KV stays empty."""
    headers = {"apikey": supabase.publishable_key, "prefer": "count=exact, handling=strict"}
    response = edge.http.get(f"{REST}?select=id&order=id&limit=2", headers=headers)
    assert (response.status_code, response.json()) == (206, [{"id": 1}, {"id": 2}])
    assert response.headers["content-range"] == "0-1/3"
    assert response.headers["cache-status"] == BYPASS + "fwd-status=206; detail=prefer"
    assert edge.kv.contents() == {}


def test_the_callers_credentials_travel_and_ours_do_not(edge: Edge) -> None:
    """Neither the key that the Worker has, nor a header of its own."""
    edge.upstream.always = answering(200, b"[]")
    sent = {"authorization": "Bearer of.a.user", "prefer": "tx=commit", "x-client-info": "js"}
    edge.http.get(REST, headers=sent)
    edge.http.get(REST)
    first, second = edge.upstream.headers
    assert {name: first.get(name) for name in sent} == sent
    assert {"apikey", "authorization"} & second.keys() == set()
    assert "apikey" not in first


def test_the_secret_key_sees_drafts(edge: Edge, supabase: stack.Supabase) -> None:
    """Who may see what is Supabase's business."""
    edge.db.update(3, published=False)
    public, secret = (
        edge.get(f"{REST}?select=id&order=id", apikey=key).json()
        for key in (supabase.publishable_key, supabase.secret_key)
    )
    assert (public, secret) == ([{"id": 1}, {"id": 2}], [{"id": 1}, {"id": 2}, {"id": 3}])


@pytest.mark.parametrize(
    "target",
    [
        "/rest/v1/articles?select=%2A&title=eq.a+b%20c%2Bd&or=(id.eq.1,id.eq.2)&x=%ff&&=",
        "/rest/v1/articles?select=*,notes(*)&title=in.(%22a%22)",
        "/rest/v1/a%2Fb/%C3%A4/?",
        "/rest/v1/",
        "/rest/v1",
    ],
)
def test_path_and_query_are_spelled_as_they_came(edge: Edge, target: str) -> None:
    """Nothing is decoded, ordered or escaped anew."""
    edge.upstream.always = answering(200)
    url = httpx.URL(edge.http.base_url, raw_path=target.encode())
    assert edge.http.get(url).status_code == 200
    assert edge.upstream.requests == [target]


def test_writes_are_carried_out_by_supabase(edge: Edge, supabase: stack.Supabase) -> None:
    """Their bodies and preferences arrive, and the rows come back."""
    headers = {"apikey": supabase.secret_key, "prefer": "return=representation"}
    row = {"id": 4, "title": "Zweiter Artikel, älter"}
    made = edge.http.post(f"{REST}?select=id,title", headers=headers, json=row)
    assert (made.status_code, made.json()) == (201, [row])
    assert made.headers["cache-status"] == METHOD + "fwd-status=201"
    one = f"{REST}?id=eq.4&select=title"
    changed = edge.http.patch(one, headers=headers, json={"title": "x"})
    assert (changed.status_code, changed.json()) == (200, [{"title": "x"}])
    gone = edge.http.delete(one, headers={"apikey": supabase.secret_key})
    assert (gone.status_code, gone.content) == (204, b"")
    assert gone.headers["cache-status"] == METHOD + "fwd-status=204"
    assert edge.get(one, apikey=supabase.secret_key).json() == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"])
def test_each_method_is_passed_on_once(edge: Edge, method: str) -> None:
    """Also where Supabase fails."""
    edge.upstream.always = answering(503)
    response = edge.http.request(method, REST)
    assert (response.status_code, edge.upstream.methods) == (503, [method])


def test_a_request_with_a_body_keeps_it(edge: Edge) -> None:
    """A GET's too, which the Fetch standard forbids and HTTP allows."""
    bodies: list[bytes] = []

    def reading(handler: Handler) -> None:
        bodies.append(b"".join(handler.body))
        handler.answer(200)

    edge.upstream.always = reading
    for method in ("GET", "POST", "PUT"):
        edge.http.request(method, REST, content=b"\x00body\xff")
    assert bodies == [b"\x00body\xff"] * 3


def test_headers_of_an_answer_are_kept(edge: Edge) -> None:
    """Also those that come several times, and other caches' words."""
    cookies = ["a=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT; Path=/", "b=2"]
    edge.upstream.always = answering(
        200, b"[]", set_cookie=cookies, cache_status="elsewhere; hit", etag='W/"x"', x_a="ä, b"
    )
    response = edge.get(REST)
    assert response.headers.get_list("set-cookie") == cookies
    assert response.headers.get_list("cache-status", split_commas=True) == [
        "elsewhere; hit",
        BYPASS + "fwd-status=200; detail=key",
    ]
    assert response.headers["etag"] == 'W/"x"'
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [200, 201, 206, 300, 400, 401, 406, 409, 416, 429, 500, 503])
def test_a_status_comes_with_its_body(edge: Edge, status: int) -> None:
    """Supabase's errors in its own words."""
    body = b'{"code":"PGRST000","message":"x"}'
    edge.upstream.always = answering(status, body, content_range="*/3", retry_after="7")
    response = edge.get(REST, accept_encoding="identity")
    assert (response.status_code, response.content) == (status, body)
    assert response.headers["content-range"] == "*/3"
    assert response.headers["retry-after"] == "7"
    assert response.headers["content-length"] == str(len(body))
    assert f"fwd-status={status}; " in response.headers["cache-status"]


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none(edge: Edge, status: int) -> None:
    """And its headers."""
    edge.upstream.always = answering(status, etag='"x"')
    response = edge.get(REST, if_none_match='"x"')
    assert (response.status_code, response.content) == (status, b"")
    assert response.headers["etag"] == '"x"'


def test_head_has_the_headers_of_get(edge: Edge) -> None:
    """And no body."""
    edge.upstream.always = answering(206, b"[12345]", content_range="0-0/9")
    unpacked = {"accept-encoding": "identity"}
    get, head = (edge.http.request(method, REST, headers=unpacked) for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (206, b"")
    for name in ("content-range", "content-length", "cache-status", "content-type"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_handed_back(edge: Edge, method: str, status: int) -> None:
    """Following it would carry the caller's key elsewhere."""
    edge.upstream.always = answering(status, location="/rest/v1/elsewhere")
    response = edge.http.request(method, REST, content=b"x" if method == "POST" else None)
    assert (response.status_code, edge.asked) == (status, 1)
    assert response.headers["location"] == "/rest/v1/elsewhere"


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_a_packed_answer_arrives_right(edge: Edge, accepted: str) -> None:
    """Packed or not, as the client can read it."""
    text = b'[{"title":"again"}]' * 500
    edge.upstream.always = answering(200, gzip.compress(text), content_encoding="gzip")
    response = edge.get(REST, accept_encoding=accepted)
    assert response.content == text
    assert response.headers.get("content-encoding", "identity") == accepted


def test_a_packing_that_the_runtime_does_not_know_is_left_alone(edge: Edge) -> None:
    """The client asked for it, or can tell."""
    edge.upstream.always = answering(200, b"(packed)", content_encoding="x-own")
    response = edge.get(REST)
    assert (response.content, response.headers["content-encoding"]) == (b"(packed)", "x-own")


@pytest.mark.parametrize("framed", ["by its length", "in chunks"])
def test_a_large_upload_streams(edge: Edge, worker: stack.Worker, framed: str) -> None:
    """Supabase has the first bytes before the last are sent, and the Worker never has all."""
    begun, digests = threading.Event(), []

    def digesting(handler: Handler) -> None:
        digest = hashlib.sha256()
        for piece in handler.body:
            begun.set()
            digest.update(piece)
        digests.append(digest.hexdigest())
        handler.answer(201)

    def pieces() -> Iterator[bytes]:
        for number in range(LARGE // len(PIECE)):
            assert number < 100 or begun.wait(10)
            yield PIECE

    edge.upstream.always = digesting
    headers = {"content-length": str(LARGE)} if framed == "by its length" else {}
    before = Memory(worker).reset()
    response = edge.http.post(REST, content=pieces(), headers=headers)
    assert (response.status_code, digests) == (201, [digest_of_large()])
    assert Memory(worker).peak_mb() - before < LARGE / MB


def test_a_large_download_streams(edge: Edge, worker: stack.Worker) -> None:
    """The client has the first bytes before Supabase sends the last."""
    begun = threading.Event()

    def pieces() -> Iterator[bytes]:
        for number in range(LARGE // len(PIECE)):
            assert number < 100 or begun.wait(10)
            yield PIECE

    edge.upstream.always = streaming(pieces(), content_type="application/octet-stream")
    before, digest = Memory(worker).reset(), hashlib.sha256()
    with edge.http.stream("GET", REST) as response:
        for piece in response.iter_raw():
            begun.set()
            digest.update(piece)
    assert digest.hexdigest() == digest_of_large()
    assert Memory(worker).peak_mb() - before < LARGE / MB


def digest_of_large() -> str:
    """Return what the large body is told by."""
    return hashlib.sha256(PIECE * (LARGE // len(PIECE))).hexdigest()


class Memory:
    """What the runtime's processes have in memory, where Linux tells."""

    def __init__(self, worker: stack.Worker) -> None:
        self._folders = [
            folder
            for folder in Path("/proc").glob("[0-9]*")
            if _is_runtime(folder, worker.process.popen.pid)
        ]

    def reset(self) -> float:
        """Let the peak begin anew; return what is in memory now, in MB."""
        for folder in self._folders:
            (folder / "clear_refs").write_text("5")
        return self.peak_mb()

    def peak_mb(self) -> float:
        """Return the most that was in memory since, in MB; 0 where nothing tells."""
        return sum(_peak_mb(folder) for folder in self._folders)


def _is_runtime(folder: Path, group: int) -> bool:
    try:
        name, _, rest = (folder / "stat").read_text().rpartition(")")
    except OSError:
        return False  # it ended meanwhile
    return name.endswith("(workerd") and int(rest.split()[2]) == group


def _peak_mb(folder: Path) -> float:
    lines = (folder / "status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024 / MB


def test_a_client_that_stops_reading_ends_the_answer(edge: Edge) -> None:
    """Supabase is not left sending to nobody."""
    noticed = threading.Event()
    endless = iter(lambda: PIECE, None)
    edge.upstream.always = until_hung_up(streaming(endless), noticed)
    with edge.http.stream("GET", REST) as response:
        assert len(next(response.iter_raw())) > 0
    assert noticed.wait(10)


@pytest.mark.parametrize("framing", ["content-length: 9000000", "transfer-encoding: chunked"])
def test_a_client_that_stops_sending_ends_the_request(edge: Edge, framing: str) -> None:
    """Supabase sees the upload break, not end."""
    begun, noticed = threading.Event(), threading.Event()

    def reading(handler: Handler) -> None:
        for _ in handler.body:
            begun.set()
        raise AssertionError("the body is complete")

    edge.upstream.always = until_hung_up(reading, noticed)
    url = urlsplit(str(edge.http.base_url))
    with socket.create_connection((url.hostname, url.port)) as client:
        client.sendall(f"POST {REST} HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n".encode())
        client.sendall((b"186a0\r\n" if "chunked" in framing else b"") + b"a" * 100_000)
        assert begun.wait(10)
    assert noticed.wait(10)


def test_a_preflight_is_answered_at_the_edge(edge: Edge) -> None:
    """With every header that Supabase's clients ask for, for any path, and for a day."""
    for path in (REST, "/rest/v1/", "/rest/v1/rpc/any"):
        headers = {
            "origin": "https://example.com",
            "access-control-request-method": "PATCH",
            "access-control-request-headers": ASKED_BY_CLIENTS,
        }
        response = edge.http.options(path, headers=headers)
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.headers["access-control-allow-headers"] == ASKED_BY_CLIENTS
        assert response.headers["access-control-allow-methods"] == METHODS
        assert response.headers["access-control-max-age"] == "86400"
    assert edge.asked == 0


def test_a_page_may_read_what_was_passed_on(edge: Edge) -> None:
    """Where Supabase does not allow it, as where it does."""
    edge.upstream.always = answering(200)
    response = edge.get(REST, origin="https://example.com")
    assert response.headers["access-control-allow-origin"] == "*"
    assert exposed(response) == EXPOSED


def test_supabases_own_cors_headers_are_kept(edge: Edge) -> None:
    """Ours are added to what it exposes."""
    edge.upstream.always = answering(
        200,
        access_control_allow_origin="https://example.com",
        access_control_allow_credentials="true",
        access_control_expose_headers="X-Total",
    )
    response = edge.get(REST, origin="https://example.com")
    assert response.headers.get_list("access-control-allow-origin") == ["https://example.com"]
    assert response.headers["access-control-allow-credentials"] == "true"
    assert exposed(response) == {*EXPOSED, "x-total"}


def test_the_log_tells_why_and_nothing_private(edge: Edge) -> None:
    """One line a request; no query, key, body, or what follows the table's name."""
    edge.upstream.always = answering(201)
    headers = {"apikey": "private-key", "authorization": "Bearer private-token"}
    edge.http.get(f"{REST}/private-path?title=eq.private-query", headers=headers)
    edge.http.post(REST, headers=headers, content=b"private-body")
    assert edge.log.wait_for("bypass", count=2) == [
        {
            "event": "bypass",
            "path": "/rest/v1/articles",
            "method": "GET",
            "reason": "key",
            "status": 201,
        },
        {
            "event": "bypass",
            "path": "/rest/v1/articles",
            "method": "POST",
            "reason": "method",
            "status": 201,
        },
    ]
    assert "private" not in "".join(map(str, edge.log.events()))


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_connection_that_breaks_is_told_in_postgrests_words(edge: Edge, method: str) -> None:
    """With 502, which Supabase's clients do not try again."""
    edge.upstream.always = hanging_up
    response = edge.http.request(method, REST)
    assert response.status_code == 502
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["retry-after"] == "5"
    assert response.headers["access-control-allow-origin"] == "*"
    if method == "HEAD":
        assert response.content == b""
    else:
        assert response.json() == {
            "code": "EDGE_SUPABASE_UNREACHABLE",
            "message": "Supabase cannot be reached",
            "details": (
                "The connection to Supabase was refused, or it broke before the answer began."
            ),
            "hint": "Try again in 5 s.",
        }


def test_a_supabase_that_is_down_is_told_so(start_worker: StartWorker) -> None:
    """No connection is as one that breaks."""
    down = start_worker({"SUPABASE_URL": f"http://127.0.0.1:{stack.free_port()}"})
    response = httpx.post(f"{down.url}{REST}", json={}, timeout=30)
    assert (response.status_code, response.json()["code"]) == (502, "EDGE_SUPABASE_UNREACHABLE")


def test_a_worker_that_is_not_configured_says_so(start_worker: StartWorker) -> None:
    """In the words of whoever asks; a preflight succeeds, so that a page can read them."""
    worker = start_worker(only={"PASS_THROUGH": "some"})
    with httpx.Client(base_url=worker.url, timeout=30) as http:
        for method in ("GET", "POST"):
            response = http.request(method, REST)
            assert (response.status_code, response.json()["code"]) == (502, "EDGE_CONFIGURATION")
            assert "PASS_THROUGH is malformed: " in response.json()["details"]
        preflight = http.options(REST)
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-methods"] == METHODS
        assert http.get("/articles").headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PATCH", "DELETE"])
def test_off_passes_nothing_on(off: Edge, method: str) -> None:
    """403 says what keeps it and what would not."""
    response = off.http.request(method, REST)
    assert (response.status_code, off.asked) == (403, 0)
    assert response.headers["access-control-allow-origin"] == "*"
    if method == "HEAD":
        assert response.content == b""
    else:
        assert response.json() == {
            "code": "EDGE_NOT_PASSED_ON",
            "message": "This Worker answers from its cache only",
            "details": (
                f'The cache does not answer this {method}, and with PASS_THROUGH = "off" '
                "nothing is passed on to Supabase."
            ),
            "hint": 'Ask Supabase itself, or set PASS_THROUGH to "rest".',
        }


def test_off_still_answers_preflights_and_serves_tables(off: Edge) -> None:
    """A page can read the 403."""
    assert off.http.options(REST).status_code == 204
    assert off.titles() == ["First blog", "Second blog", "Third blog"]


@pytest.mark.parametrize("path", SERVICES)
def test_other_services_are_not_passed_on_unasked(edge: Edge, path: str) -> None:
    """404, which names the variable that would."""
    response = edge.get(path)
    assert (response.status_code, edge.asked) == (404, 0)
    assert response.headers["content-type"] == "application/problem+json; charset=utf-8"
    assert 'PASS_THROUGH = "all"' in response.json()["detail"]


@pytest.mark.parametrize("path", SERVICES)
def test_all_passes_the_services_on(everything: Edge, path: str) -> None:
    """Reads, writes and what else they have; the log names the service alone."""
    everything.upstream.always = answering(200, b"{}")
    read = everything.get(f"{path}?token=private")
    assert read.headers["cache-status"] == BYPASS + "fwd-status=200; detail=service"
    written = everything.http.post(path, content=b"x")
    assert written.headers["cache-status"] == METHOD + "fwd-status=200"
    assert everything.upstream.requests == [f"{path}?token=private", path]
    service = "/".join(path.split("/")[:3])
    assert [
        (line["path"], line["method"], line["reason"])
        for line in everything.log.wait_for("bypass", count=2)
    ] == [(service, "GET", "service"), (service, "POST", "method")]


def test_all_passes_options_of_services_on(everything: Edge) -> None:
    """Resumable uploads ask by it what a server can do."""
    everything.upstream.always = answering(204, tus_version="1.0.0", access_control_max_age="5")
    response = everything.http.options("/storage/v1/upload/resumable")
    assert (response.status_code, response.headers["tus-version"]) == (204, "1.0.0")
    assert response.headers["access-control-max-age"] == "5"
    assert everything.http.options(REST).headers["access-control-max-age"] == "86400"
    assert everything.upstream.methods == ["OPTIONS"]


def test_a_client_that_knows_the_workers_url_alone_signs_up(
    everything: Edge, supabase: stack.Supabase
) -> None:
    """It is who it says it is, and its reads with a session are passed on."""
    arguments = [str(everything.http.base_url), supabase.publishable_key, "carla@example.com"]
    said = subprocess.run(  # noqa: S603  every argument is ours
        ["node", LOGIN, *arguments],  # noqa: S607  the project's own
        env=environment(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    told = json.loads(said.stdout)
    assert told["errors"] == [None] * 4
    assert told["user"] == told["found"] is not None
    assert told["rows"] == [{"id": 1}, {"id": 2}, {"id": 3}]
    reasons = [line["reason"] for line in everything.log.wait_for("bypass", count=4)]
    assert reasons == ["method", "service", "session", "method"]


def test_all_passes_the_rest_api_on_too(everything: Edge, supabase: stack.Supabase) -> None:
    """As without it."""
    response = everything.get("/rest/v1/authors?id=eq.1", apikey=supabase.publishable_key)
    assert response.json() == [{"id": 1, "name": "Ada"}]
    assert response.headers["cache-status"] == BYPASS + "fwd-status=200; detail=undeclared"


def test_a_service_that_is_down_is_told_in_postgrests_words(everything: Edge) -> None:
    """Supabase's clients read `message` of any service's error."""
    everything.upstream.always = hanging_up
    response = everything.http.post("/auth/v1/token?grant_type=password")
    assert (response.status_code, response.json()["code"]) == (502, "EDGE_SUPABASE_UNREACHABLE")


def test_all_passes_web_sockets_on(everything: Edge) -> None:
    """Messages go both ways until one side closes it."""
    everything.upstream.always = websocket.echoing
    url, path = str(everything.http.base_url), "/realtime/v1/websocket?apikey=private"
    with websocket.connected(url, path) as client:
        assert client.answered.startswith("HTTP/1.1 101 ")
        assert [client.ask(text) for text in (b"one", b"two")] == [b"one", b"two"]
    assert everything.upstream.requests == [path]
    (line,) = everything.log.wait_for("bypass")
    assert (line["path"], line["status"]) == ("/realtime/v1", 101)


@pytest.mark.parametrize(
    "path", ["/rest", "/rest/v2/x", "/restv1", "/auth", "/auth/v1x", "/REST/v1/x"]
)
def test_no_other_path_is_passed_on(everything: Edge, path: str) -> None:
    """404, whatever is passed through."""
    assert everything.get(path).status_code == 404
    assert everything.asked == 0
