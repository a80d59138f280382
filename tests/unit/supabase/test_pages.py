"""Reads of whole tables in pages."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from edge_cache.errors import TornRead

Remote = Callable[[httpx.Request], httpx.Response]
Read = Callable[..., bytes]


def paged(rows: list[object], max_rows: int, seen: list[str] | None = None) -> Remote:
    """Return a remote that cuts answers at ``max_rows``, as PostgREST does."""

    def remote(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(str(request.url))
        offset = int(request.url.params.get("offset", "0"))
        part = rows[offset : offset + max_rows]
        if offset and not part:
            return httpx.Response(416, json={"code": "PGRST103"})
        shown = f"{offset}-{offset + len(part) - 1}" if part else "*"
        headers = {"content-range": f"{shown}/{len(rows)}"}
        return httpx.Response(206 if len(part) < len(rows) else 200, json=part, headers=headers)

    return remote


def test_an_empty_table_is_an_empty_array(read: Read) -> None:
    """No rows is an answer, not a failure."""
    assert read(paged([], 10)) == b"[]"


def test_all_pages_are_joined_in_order(read: Read) -> None:
    """More rows than `max_rows` are not silently missing."""
    rows: list[object] = [{"id": n, "t": "],["} for n in range(25)]
    seen: list[str] = []
    assert json.loads(read(paged(rows, 10, seen))) == rows
    assert all("order=id.asc" in url for url in seen)


def test_a_table_that_changes_between_pages_is_read_again(read: Read) -> None:
    """An edit to a page that was already read must not be mixed with later pages."""
    rows: list[object] = [{"id": n} for n in range(25)]
    requests = []

    def remote(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if len(requests) == 2:
            rows[0], rows[24] = {"id": 0, "edited": 1}, {"id": 24, "edited": 2}
        return paged(rows, 10)(request)

    assert json.loads(read(remote)) == rows


def test_a_row_that_moves_between_pages_is_neither_lost_nor_doubled(read: Read) -> None:
    """A delete and an insert leave the count as it was and shift the pages."""
    rows: list[object] = [{"id": n} for n in range(25)]
    requests = []

    def remote(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if len(requests) == 2:
            rows.pop(0)
            rows.append({"id": 25})
        return paged(rows, 10)(request)

    assert json.loads(read(remote)) == rows


@pytest.mark.parametrize("grow", [True, False])
def test_a_table_that_never_holds_still_is_given_up(read: Read, grow: bool) -> None:
    """After a few tries there is an error, not a torn answer."""
    rows: list[object] = [{"id": n} for n in range(2500)]

    def remote(request: httpx.Request) -> httpx.Response:
        if grow:
            rows.append({"id": len(rows)})
        else:
            rows.pop()
        return paged(rows, 1000)(request)

    with pytest.raises(TornRead):
        read(remote)
