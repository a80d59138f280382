"""What readers get: hits, misses, rows, validators and methods."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from edge import SEED, Edge, Variables
from upstream import rows

CACHE_STATUS = "supabase-edge-cache; "


def test_the_lessons_demonstration(edge: Edge) -> None:
    """It reads, edits the database, still sees the old row, revalidates, and sees the new one."""
    assert "Second blog" in edge.titles()
    edge.db.update(2, title="Cool second blog")
    assert "Second blog" in edge.titles()
    assert edge.get("/revalidate").json() == {"received": True}
    assert edge.titles() == ["First blog", "Cool second blog", "Third blog"]


def test_the_second_read_does_not_reach_supabase(edge: Edge) -> None:
    """The first read fills KV. The second is a hit with the same bytes."""
    first, second = edge.get("/articles"), edge.get_from_kv("/articles")
    assert first.headers["cache-status"] == CACHE_STATUS + "fwd=uri-miss; fwd-status=200; stored"
    assert second.headers["cache-status"] == CACHE_STATUS + "hit"
    assert first.content == second.content
    assert edge.asked == 1
    miss, hit = edge.log.wait_for("miss", "hit", count=2)
    assert (miss["event"], miss["bytes"], hit["event"]) == ("miss", len(first.content), "hit")


def test_kv_holds_supabases_bytes_under_the_lessons_key(edge: Edge) -> None:
    """The entry is the JSON text alone, so the lesson's Worker could read it."""
    body = b'[ {"id":1,\n"title":"\\u00e4"} ]'
    edge.upstream.acts.append(rows(body, 1))
    assert edge.get("/articles").content == body
    edge.kv.wait()
    assert edge.kv.value("/articles") == body
    assert edge.kv.keys().keys() == {"/articles"}


def test_a_row_is_an_object(edge: Edge) -> None:
    """`/articles/{id}` is read and stored like the table."""
    first, second = edge.get("/articles/2"), edge.get_from_kv("/articles/2")
    assert first.json() == second.json() == SEED[1]
    assert second.headers["cache-status"] == CACHE_STATUS + "hit"
    assert edge.asked == 1
    assert edge.kv.value("/articles/2") == first.content


def test_no_such_row_is_404(edge: Edge) -> None:
    """No row has the id, the id does not fit, or it is written another way. There is no entry."""
    for row_id in ("99", "abc", "1e5000", "%00", "02", "%202"):
        response = edge.get(f"/articles/{row_id}")
        assert response.status_code == 404
        assert response.headers["content-type"].startswith("application/problem+json")
        assert response.json()["type"] == "urn:supabase-edge-cache:not-found"
    assert edge.kv.contents().keys() == set()


ODD_IDS = ("a/b", "a?b#c", "1&id=neq.1", "100%", "eq.x", "a,b(c)", 'q"\\', "ü 😀", "*", "x.y")


def test_text_ids_with_reserved_characters(edge: Edge) -> None:
    """A real PostgREST finds exactly that row, and KV keeps it under its own key."""
    rows = [{"id": row_id, "title": f"of {row_id}"} for row_id in (*ODD_IDS, "other")]
    edge.db.replace(rows, table="notes")
    edge.upstream.table = "notes"
    paths = ["/articles/" + quote(row_id, safe="") for row_id in ODD_IDS]
    assert [edge.get(path).json() for path in paths] == rows[:-1]
    edge.kv.wait()
    for path, row in zip(paths, rows, strict=False):
        hit = edge.get(path)
        assert (hit.json(), hit.headers["cache-status"]) == (row, CACHE_STATUS + "hit")
    assert edge.get("/articles/neither").status_code == 404


def test_uuid_ids(edge: Edge) -> None:
    """A UUID names its row. Another UUID is 404, and so is an id that is no UUID."""
    row = {"id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "title": "a document"}
    edge.db.replace([row], table="documents")
    edge.upstream.table = "documents"
    assert edge.get(f"/articles/{row['id']}").json() == row
    assert edge.get("/articles/00000000-0000-0000-0000-000000000000").status_code == 404
    assert edge.get("/articles/7").status_code == 404


def test_an_id_too_long_for_a_key_is_served(edge: Edge) -> None:
    """KV's keys have 512 bytes at most, but ids may be longer."""
    row = {"id": "x" * 700, "title": "long"}
    edge.db.replace([row], table="notes")
    edge.upstream.table = "notes"
    assert edge.get(f"/articles/{row['id']}").json() == row
    assert (
        edge.get_from_kv(f"/articles/{row['id']}").headers["cache-status"] == CACHE_STATUS + "hit"
    )


def test_a_row_that_row_level_security_hides_is_absent(edge: Edge) -> None:
    """The cache has only what the public key may see."""
    edge.db.insert([{"id": 4, "title": "Draft", "published": False}])
    assert "Draft" not in edge.titles()
    assert edge.get("/articles/4").status_code == 404


def test_other_spellings_are_the_same_entry(edge: Edge) -> None:
    """A trailing slash or a query string makes no new entry."""
    edge.get("/articles")
    for path in ("/articles/", "/articles?page=2", "/articles/?a#b"):
        assert edge.get_from_kv(path).headers["cache-status"] == CACHE_STATUS + "hit"
    assert edge.kv.keys().keys() == {"/articles"}


def test_unicode_and_five_megabytes_byte_for_byte(edge: Edge) -> None:
    """Readers get exactly what Supabase sent, on a miss and on a hit."""
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
    """Entries without metadata count, and have validators, too."""
    body = b'[{"id":2}]' if path == "/articles" else b'{"id":2}'
    edge.kv.put(path, body)
    response = edge.get(path)
    assert response.content == body
    assert response.headers["cache-status"] == CACHE_STATUS + "hit"
    assert "age" not in response.headers
    assert edge.get(path, if_none_match=response.headers["etag"]).status_code == 304
    assert edge.asked == 0


@pytest.mark.parametrize("value", [b"null", b""])
def test_the_lessons_mistakes_count_as_absent(edge: Edge, value: bytes) -> None:
    """The lesson cached `null` and errors. The real rows replace them."""
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


def test_head_is_get_without_a_body(edge: Edge) -> None:
    """Status and headers are the same."""
    plain = {"accept-encoding": "identity"}  # a compressed answer has no length to compare
    ignored = {"date", "age"}
    for path in ("/articles", "/articles/2", "/articles/99", "/unknown"):
        edge.get(path)
        edge.kv.wait()
        get, head = edge.http.get(path, headers=plain), edge.http.head(path, headers=plain)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert {k: v for k, v in head.headers.items() if k not in ignored} == {
            k: v for k, v in get.headers.items() if k not in ignored
        }


def test_the_headers_of_a_hit(edge: Edge) -> None:
    """Browsers ask again each time, any page may read it, and it has its age."""
    edge.get("/articles")
    headers = edge.get("/articles").headers
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["cache-control"] == "no-cache"
    assert headers["access-control-allow-origin"] == "*"
    assert 0 <= int(headers["age"]) < 10


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ROUTES = {
    "/articles": {"GET": 200, "HEAD": 200, "OPTIONS": 204},
    "/articles/2": {"GET": 200, "HEAD": 200, "OPTIONS": 204},
    "/revalidate": {"GET": 200, "POST": 200, "OPTIONS": 204},
    "/health": {"GET": 200, "HEAD": 200, "OPTIONS": 204},
    "/": {"GET": 200, "HEAD": 200, "OPTIONS": 204},
}


def test_every_path_and_method(edge: Edge) -> None:
    """The routes are those of docs/responses.md.

    Another method gets 405 and the methods that are allowed.
    """
    for path, statuses in ROUTES.items():
        for method in METHODS:
            response = edge.http.request(method, path)
            assert response.status_code == statuses.get(method, 405), (method, path)
            if method == "OPTIONS" or response.status_code == 405:
                assert response.headers["allow"].split(", ") == list(statuses)


def test_the_key_goes_to_supabase_and_nowhere_else(edge: Edge, variables: Variables) -> None:
    """A publishable key is sent as `apikey` only, and is never shown."""
    key = variables["SUPABASE_ANON_KEY"]
    texts = [str(edge.get(path).headers) + edge.get(path).text for path in ("/articles", "/x")]
    assert edge.upstream.headers[0]["apikey"] == key
    assert "authorization" not in edge.upstream.headers[0]
    assert all(key not in text for text in [*texts, edge.log.text()])
