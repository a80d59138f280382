"""What the log has of a query."""

from __future__ import annotations

import pytest
from program import BEARER, Program

from edge_cache.logged import digested


def test_equal_queries_have_equal_digests() -> None:
    one, other = (f"/rest/v1/articles?a=eq.{text}" for text in "xy")
    assert digested(one).startswith("/rest/v1/articles?")
    assert len(digested(one)) == len("/rest/v1/articles?") + 12
    assert digested(one) == digested(one) != digested(other)


@pytest.mark.parametrize(
    "key",
    [
        *("/rest/v1/articles;count=exact", "/articles/7", "/articles?versions"),
        *("/rest/v1/recent?versions", "/rest/v1/rpc/add?versions&lists"),
    ],
)
def test_other_keys_stay_as_they_are(key: str) -> None:
    assert digested(key) == key


@pytest.mark.parametrize(("log_queries", "is_shown"), [("on", True), ("off", False), (None, False)])
async def test_the_log_has_what_somebody_searched_for_only_if_it_should(
    log_queries: str | None, is_shown: bool
) -> None:
    program = Program(log_queries=log_queries)
    await program.query("articles?title=eq.First")
    keys = [str(line["key"]) for line in program.events("miss", "refreshed")]
    assert keys
    assert {"title=eq.First" in key for key in keys} == {is_shown}
    answer = await program.get("/entry/rest/v1/articles?title=eq.First", **BEARER)
    assert {answer.json["logged_as"]} == set(keys)
