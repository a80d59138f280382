"""Analytics Engine, as far as its binding shows."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from faked_runtime import FakeRuntime, JsException, JsObject, plain

from edge_cache.traffic import Counted, Sum

SUMS = {
    Counted("articles", "hit"): Sum(5, 500, 0),
    Counted("é" * 60, "passed", "key"): Sum(1, 0, 30),
}


@pytest.fixture
def engine(load: Callable[[str], ModuleType]) -> ModuleType:
    """Return the module."""
    return load("analytics_engine")


def test_each_sum_is_one_data_point(runtime: FakeRuntime, engine: ModuleType) -> None:
    """An index has at most 96 bytes, and ends with a whole character."""
    points: list[object] = []
    runtime.env.TRAFFIC = JsObject(writeDataPoint=lambda point: points.append(plain(point)))
    engine.record(SUMS)
    assert points == [
        {"indexes": ["articles"], "blobs": ["articles", "hit", ""], "doubles": [5, 500, 0]},
        {"indexes": ["é" * 48], "blobs": ["é" * 60, "passed", "key"], "doubles": [1, 0, 30]},
    ]


def test_one_request_writes_no_more_than_it_may(runtime: FakeRuntime, engine: ModuleType) -> None:
    points: list[object] = []
    runtime.env.TRAFFIC = JsObject(writeDataPoint=points.append)
    engine.record({Counted("articles", "passed", str(n)): Sum(1, 0, 0) for n in range(300)})
    assert len(points) == 250


def test_without_the_binding_nothing_happens(engine: ModuleType) -> None:
    engine.record(SUMS)


def test_a_failure_is_logged_and_hurts_nobody(runtime: FakeRuntime, engine: ModuleType) -> None:
    def refuse(_point: object) -> None:
        raise JsException("Error", "too many")

    runtime.env.TRAFFIC = JsObject(writeDataPoint=refuse)
    engine.record(SUMS)
    (line,) = runtime.printed
    assert "count_failed" in str(line)
