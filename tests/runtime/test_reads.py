"""What readers get: hits, misses, rows, validators, methods."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from edge import SEED, Edge
from upstream import Handler, before_asking, forward, rows

CACHE_STATUS = "supabase-edge-cache; "


def test_the_lessons_demonstration(edge: Edge) -> None:
    """Read, edit in the database, still old, revalidate, new."""
    assert "Second blog" in edge.titles()
    edge.db.update(2, title="Cool second blog")
    assert "Second blog" in edge.titles()
    assert edge.get("/revalidate").json() == {"received": True}
    assert edge.titles() == ["First blog", "Cool second blog", "Third blog"]


def test_the_second_read_does_not_reach_supabase(edge: Edge) -> None:
    """The first fills KV, the second is a hit with the same bytes."""
    first, second = edge.get("/articles"), edge.get_from_kv("/articles")
    assert first.headers["cache-status"] == CACHE_STATUS + "fwd=uri-miss; fwd-status=200; stored"
    assert second.headers["cache-status"] == CACHE_STATUS + "hit"
    assert first.content == second.content
    assert edge.asked == 1
    assert [line["event"] for line in edge.log.wait_for("miss", "refreshed", "hit", count=3)] == [
        "miss",
        "refreshed",
        "hit",
    ]


def test_kv_holds_supabases_bytes_under_the_lessons_key(edge: Edge) -> None:
    """What is written, the lesson's Worker could read: the JSON text alone."""
    body = b'[ {"id":1,\n"title":"\\u00e4"} ]'
    edge.upstream.acts.append(rows(body, 1))
    assert edge.get("/articles").content == body
    edge.kv.wait()
    assert edge.kv.value("/articles") == body
    assert list(edge.kv.keys()) == ["/articles"]


def test_a_row_is_an_object(edge: Edge) -> None:
    """`/articles/{id}` is read, kept and served likewise."""
    first, second = edge.get("/articles/2"), edge.get_from_kv("/articles/2")
    assert first.json() == second.json() == SEED[1]
    assert second.headers["cache-status"] == CACHE_STATUS + "hit"
    assert edge.asked == 1
    assert edge.kv.value("/articles/2") == first.content


@pytest.mark.parametrize(
    "path", ["/articles/99", "/articles/abc", "/articles/1e5000", "/articles/%00"]
)
def test_no_such_row_is_404(edge: Edge, path: str) -> None:
    """Neither a row that is not there nor an id that does not fit leaves anything in KV."""
    response = edge.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("application/problem+json")
    assert response.json()["type"] == "urn:supabase-edge-cache:not-found"
    assert edge.kv.keys() == {}


@pytest.mark.parametrize(
    "row_id", ["a/b", "a?b#c", "1&id=neq.1", "100%", "eq.x", "a,b(c)", 'q"\\', "ü 😀", "*", "x.y"]
)
def test_text_ids_with_reserved_characters(edge: Edge, row_id: str) -> None:
    """A real PostgREST finds exactly that row, and KV keeps it under its own key."""
    wanted = {"id": row_id, "title": "this one"}
    edge.db.replace([wanted, {"id": "other", "title": "another"}], table="notes")
    edge.upstream.table = "notes"
    path = "/articles/" + quote(row_id, safe="")
    assert edge.get(path).json() == wanted
    hit = edge.get_from_kv(path)
    assert (hit.json(), hit.headers["cache-status"]) == (wanted, CACHE_STATUS + "hit")
    assert edge.get("/articles/neither").status_code == 404


def test_uuid_ids(edge: Edge) -> None:
    """A UUID names its row; another is 404, and so is what is no UUID."""
    row = {"id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "title": "a document"}
    edge.db.replace([row], table="documents")
    edge.upstream.table = "documents"
    assert edge.get(f"/articles/{row['id']}").json() == row
    assert edge.get("/articles/00000000-0000-0000-0000-000000000000").status_code == 404
    assert edge.get("/articles/7").status_code == 404


def test_an_id_too_long_for_a_key_is_served(edge: Edge) -> None:
    """KV's keys end at 512 bytes, ids do not."""
    row = {"id": "x" * 700, "title": "long"}
    edge.db.replace([row], table="notes")
    edge.upstream.table = "notes"
    assert edge.get(f"/articles/{row['id']}").json() == row
    assert (
        edge.get_from_kv(f"/articles/{row['id']}").headers["cache-status"] == CACHE_STATUS + "hit"
    )


@pytest.mark.parametrize("path", ["/articles/02", "/articles/+2", "/articles/%202"])
def test_another_spelling_of_an_id_is_404(edge: Edge, path: str) -> None:
    """Postgres takes it for row 2; its entry would outlive edits of the row."""
    assert edge.get(path).status_code == 404
    assert edge.kv.keys() == {}


def test_a_path_too_long_for_supabase_is_404(edge: Edge) -> None:
    """Without asking."""
    assert edge.get("/articles/" + "x" * 9000).status_code == 404
    assert edge.asked == 0


def test_a_row_that_row_level_security_hides_is_absent(edge: Edge) -> None:
    """The data is what the public key may see."""
    edge.db.insert([{"id": 4, "title": "Draft", "published": False}])
    assert "Draft" not in edge.titles()
    assert edge.get("/articles/4").status_code == 404


@pytest.mark.parametrize("path", ["/articles/", "/articles?page=2", "/articles/?a#b"])
def test_other_spellings_are_the_same_entry(edge: Edge, path: str) -> None:
    """Trailing slashes and query strings do not make new entries."""
    edge.get("/articles")
    assert edge.get_from_kv(path).headers["cache-status"] == CACHE_STATUS + "hit"
    assert list(edge.kv.keys()) == ["/articles"]


def test_more_rows_than_max_rows(edge: Edge) -> None:
    """2,500 rows with a limit of 1,000 are 2,500 rows, in order, page by page."""
    edge.upstream.has_function = False
    edge.db.replace([{"id": n, "title": f"Article {n}"} for n in range(1, 2501)])
    listed = edge.get("/articles").json()
    assert [row["id"] for row in listed] == list(range(1, 2501))
    assert edge.get_from_kv("/articles").headers["cache-status"] == CACHE_STATUS + "hit"


def test_a_table_that_changes_between_pages_is_not_torn(edge: Edge) -> None:
    """An edit to the first page, made while the second was read, is in the answer."""
    edge.upstream.has_function = False
    edge.db.replace([{"id": n, "title": "old"} for n in range(1, 2001)])

    def edit() -> None:
        edge.db.update(1, title="new")
        edge.db.update(2000, title="new")

    edge.upstream.acts.extend([forward, before_asking(edit)])
    listed = edge.get("/articles").json()
    assert [row["id"] for row in listed if row["title"] == "new"] == [1, 2000]


def test_a_table_that_never_holds_still_is_given_up(edge: Edge) -> None:
    """Rather an error than a torn answer; nothing is written."""
    edge.upstream.has_function = False
    total = iter(range(3000, 9000))

    def growing(handler: Handler) -> None:
        body = json.dumps([{"id": n} for n in range(1000)]).encode()
        handler.answer(206, body, content_range=f"0-999/{next(total)}")

    edge.upstream.always = growing
    response = edge.get("/articles")
    assert (response.status_code, response.json()["type"]) == (
        502,
        "urn:supabase-edge-cache:table-changing",
    )
    assert edge.kv.keys() == {}


def test_an_empty_table_is_an_empty_array(edge: Edge) -> None:
    """No rows is an answer to be cached."""
    edge.db.replace([])
    assert edge.get("/articles").content == b"[]"
    assert edge.get_from_kv("/articles").headers["cache-status"] == CACHE_STATUS + "hit"


def test_unicode_and_five_megabytes_byte_for_byte(edge: Edge) -> None:
    """What Supabase sent is what readers get, on a miss and on a hit."""
    text = "Grüße, 日本語, 😀, \u2028 and \\u0000 " * 20
    body = json.dumps([{"id": n, "title": text} for n in range(6000)], ensure_ascii=False).encode()
    assert len(body) > 5_000_000
    edge.upstream.acts.append(rows(body, 6000))
    miss, hit = edge.get("/articles"), edge.get_from_kv("/articles")
    assert miss.content == hit.content == body
    assert hit.headers["cache-status"] == CACHE_STATUS + "hit"
    assert edge.http.head("/articles").headers["content-length"] == str(len(body))


@pytest.mark.parametrize("path", ["/articles", "/articles/2"])
def test_the_lessons_entries_are_served(edge: Edge, path: str) -> None:
    """Entries without metadata count, and have validators too."""
    body = b'[{"id":2}]' if path == "/articles" else b'{"id":2}'
    edge.kv.put(path, body)
    response = edge.get(path)
    assert response.content == body
    assert response.headers["cache-status"] == CACHE_STATUS + "hit"
    assert "age" not in response.headers
    assert edge.get(path, if_none_match=response.headers["etag"]).status_code == 304
    assert edge.asked == 0


@pytest.mark.parametrize("value", [b"null", b'{"message":"error"}', b"", b"<html>", b"[1,"])
def test_the_lessons_mistakes_count_as_absent(edge: Edge, value: bytes) -> None:
    """The lesson cached `null` and errors; the real rows take their place."""
    edge.kv.put("/articles", value)
    response = edge.get("/articles")
    assert response.json() == list(SEED)
    assert "detail=malformed-entry" in response.headers["cache-status"]
    assert edge.get_from_kv("/articles").headers["cache-status"] == CACHE_STATUS + "hit"


@pytest.mark.parametrize("path", ["/articles", "/articles/2"])
def test_not_modified(edge: Edge, path: str) -> None:
    """Lists, weak tags and `*` in If-None-Match give 304 without a body, on a hit and a miss."""
    etag = edge.get(path).headers["etag"]
    assert etag.startswith('"')
    for value in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        response = edge.get(path, if_none_match=value)
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == etag
    assert edge.get(path, if_none_match='"x"').status_code == 200
    edge.kv.clear()
    miss = edge.get(path, if_none_match=etag)
    assert (miss.status_code, miss.content) == (304, b"")


def test_an_edit_changes_the_etag(edge: Edge) -> None:
    """A browser that asks again after an edit gets the new rows."""
    etag = edge.get("/articles").headers["etag"]
    edge.db.update(1, title="Edited")
    edge.get("/revalidate")
    response = edge.get("/articles", if_none_match=etag)
    assert response.status_code == 200
    assert response.headers["etag"] != etag


@pytest.mark.parametrize("path", ["/articles", "/articles/2", "/articles/99", "/unknown"])
def test_head_is_get_without_a_body(edge: Edge, path: str) -> None:
    """Status and headers are the same."""
    edge.get(path)
    plain = {"accept-encoding": "identity"}  # a compressed answer has no length to compare
    get, head = edge.http.get(path, headers=plain), edge.http.head(path, headers=plain)
    assert (head.status_code, head.content) == (get.status_code, b"")
    ignored = {"date", "age"}
    assert {k: v for k, v in head.headers.items() if k not in ignored} == {
        k: v for k, v in get.headers.items() if k not in ignored
    }


def test_the_headers_of_a_hit(edge: Edge) -> None:
    """Browsers ask again each time, any page may read, and the age is told."""
    edge.get("/articles")
    headers = edge.get("/articles").headers
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["cache-control"] == "no-cache"
    assert headers["access-control-allow-origin"] == "*"
    assert 0 <= int(headers["age"]) < 10


UNKNOWN = ["/unknown", "/articles/1/2", "/Articles", "/articles/%ff"]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
ROUTES = {
    "/articles": {"GET": 200, "HEAD": 200, "OPTIONS": 204},
    "/articles/2": {"GET": 200, "HEAD": 200, "OPTIONS": 204},
    "/revalidate": {"GET": 200, "POST": 400, "OPTIONS": 204},
    "/health": {"GET": 200, "HEAD": 200, "OPTIONS": 204},
    "/": {"GET": 200, "HEAD": 200, "OPTIONS": 204},
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ROUTES)
def test_every_path_and_method(edge: Edge, path: str, method: str) -> None:
    """The table of routes in docs/responses.md; other methods are 405 and say which are not."""
    response = edge.http.request(method, path)
    assert response.status_code == ROUTES[path].get(method, 405)
    if method == "OPTIONS" or response.status_code == 405:
        assert response.headers["allow"].split(", ") == list(ROUTES[path])


@pytest.mark.parametrize("method", [name for name in METHODS if name != "OPTIONS"])
@pytest.mark.parametrize("path", UNKNOWN)
def test_an_unknown_path_is_404(edge: Edge, path: str, method: str) -> None:
    """Whatever the method, as a problem."""
    response = edge.http.request(method, path)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("application/problem+json")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", [*ROUTES, *UNKNOWN])
def test_the_cors_preflight(edge: Edge, path: str) -> None:
    """A page of any origin may read, with the conditional header too; a 404 as well."""
    response = edge.http.options(
        path,
        headers={
            "origin": "https://example.com",
            "access-control-request-method": "GET",
            "access-control-request-headers": "if-none-match",
        },
    )
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == "*"
    assert "GET" in response.headers["access-control-allow-methods"]
    assert response.headers["access-control-allow-headers"] == "if-none-match"
    assert response.headers["vary"] == "Access-Control-Request-Headers"
    assert "Retry-After" in response.headers["access-control-expose-headers"]


def test_the_key_goes_to_supabase_and_nowhere_else(edge: Edge, variables: dict[str, str]) -> None:
    """A publishable key is sent as `apikey` only, and never shown."""
    key = variables["SUPABASE_ANON_KEY"]
    texts = [str(edge.get(path).headers) + edge.get(path).text for path in ("/articles", "/x")]
    assert edge.upstream.headers[0]["apikey"] == key
    assert "authorization" not in edge.upstream.headers[0]
    assert all(key not in text for text in [*texts, edge.log.text()])
