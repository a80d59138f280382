"""A Durable Object's storage behind the port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import pytest
from faked_runtime import JsException, Promise

REFUSED = JsException("Error", "refused")


class Storage:
    """An object's storage. `kv` answers at once; the alarm functions return promises."""

    def __init__(self) -> None:
        self.texts: dict[str, object] = {}
        self.alarms: list[int] = []
        self.outcome: JsException | None = None
        self.kv = SimpleNamespace(get=self.texts.get, put=self.texts.__setitem__)

    def setAlarm(self, at_ms: int) -> Promise:  # noqa: N802  the storage's name
        """Record the time."""
        self.alarms.append(at_ms)
        return Promise(self.outcome)


@pytest.fixture
def durable(load: Callable[[str], ModuleType]) -> ModuleType:
    """Return the module."""
    return load("durable")


def test_texts_are_kept_by_key(durable: ModuleType) -> None:
    """A value can be read as soon as it was put."""
    storage = Storage()
    durable.DurableStorage(storage).put("table", "articles")
    assert storage.texts == {"table": "articles"}
    assert durable.DurableStorage(storage).get("table") == "articles"


@pytest.mark.parametrize("value", [None, 5, b"x"])
def test_what_is_no_text_is_absent(durable: ModuleType, value: object) -> None:
    """JavaScript's undefined is absent, and so is a value that this package did not put."""
    storage = Storage()
    storage.texts["table"] = value
    assert durable.DurableStorage(storage).get("table") is None
    assert durable.DurableStorage(storage).get("other") is None


def test_an_alarm_is_set(durable: ModuleType) -> None:
    storage = Storage()
    asyncio.run(durable.DurableStorage(storage).set_alarm(1234))
    assert storage.alarms == [1234]


def test_an_alarm_that_cannot_be_set_is_an_error(durable: ModuleType) -> None:
    """The caller waits for the alarm, so that the caller gets the error."""
    storage = Storage()
    storage.outcome = REFUSED
    with pytest.raises(JsException):
        asyncio.run(durable.DurableStorage(storage).set_alarm(1234))
