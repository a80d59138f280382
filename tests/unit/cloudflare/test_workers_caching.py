"""Cloudflare's cache in front of the Worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType

import pytest
from faked_runtime import FakeRuntime, JsException, JsObject, Promise, plain


@pytest.fixture
def caching(load: Callable[[str], ModuleType]) -> ModuleType:
    """Return the module."""
    return load("workers_caching")


@pytest.mark.parametrize("cache", [None, JsObject()])
def test_where_there_is_none_nothing_is_done(
    runtime: FakeRuntime, caching: ModuleType, cache: object
) -> None:
    """The local runtime has such an object, but it can do nothing."""
    runtime.cache = cache
    assert asyncio.run(caching.purge()) is True


@pytest.mark.parametrize(
    ("outcome", "done"),
    [
        (JsObject(success=True, errors=[]), True),
        (JsObject(success=False, errors=[]), False),
        (JsException("Error", "internal error"), False),
    ],
)
def test_it_is_asked_to_forget_everything(
    runtime: FakeRuntime, caching: ModuleType, outcome: object, *, done: bool
) -> None:
    """The answer says whether it did: Cloudflare refuses more than a few requests a minute."""
    asked: list[object] = []

    def purge(options: object) -> Promise:
        asked.append(plain(options))
        return Promise(outcome)

    runtime.cache = JsObject(purge=purge)
    assert asyncio.run(caching.purge()) is done
    assert asked == [{"purgeEverything": True}]
