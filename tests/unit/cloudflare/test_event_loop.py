"""asyncio's callbacks as microtasks."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from faked_runtime import FakeRuntime


@pytest.fixture
def loop(load: Callable[[str], ModuleType]) -> Iterator[asyncio.AbstractEventLoop]:
    """Return a loop that queues microtasks; no loop runs afterwards."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    load("event_loop").use_microtasks()
    yield loop
    asyncio._set_running_loop(None)
    asyncio.set_event_loop(None)
    loop.close()


def test_callbacks_run_in_order_in_one_microtask(
    runtime: FakeRuntime, loop: asyncio.AbstractEventLoop
) -> None:
    """They do not run before the code that asked for them has returned."""
    ran: list[str] = []
    for name in "abc":
        loop.call_soon(ran.append, name)
    assert ran == []
    runtime.microtasks.pop(0).function()
    assert ran == ["a", "b", "c"]


def test_no_callback_runs_twice(runtime: FakeRuntime, loop: asyncio.AbstractEventLoop) -> None:
    """Each callback asks for a microtask. A microtask that finds no callback does nothing."""
    ran: list[str] = []
    loop.call_soon(ran.append, "a")
    loop.call_soon(ran.append, "b")
    assert len(runtime.microtasks) == 2
    runtime.run_microtasks()
    assert ran == ["a", "b"]
    assert runtime.microtasks == []


def test_a_dropped_microtask_holds_nobody_up(
    runtime: FakeRuntime, loop: asyncio.AbstractEventLoop
) -> None:
    """If the runtime ends a request by force, it drops its microtasks.

    The next one runs everything.
    """
    ran: list[str] = []
    loop.call_soon(ran.append, "a")
    runtime.microtasks.clear()
    loop.call_soon(ran.append, "b")
    runtime.run_microtasks()
    assert ran == ["a", "b"]


def test_callbacks_queued_by_a_callback_run_in_the_same_microtask(
    runtime: FakeRuntime, loop: asyncio.AbstractEventLoop
) -> None:
    """The loop asks for no other microtask."""
    ran: list[str] = []

    def first() -> None:
        ran.append("first")
        loop.call_soon(ran.append, "second")

    loop.call_soon(first)
    runtime.run_microtasks()
    assert ran == ["first", "second"]
    assert runtime.microtasks == []


def test_a_cancelled_callback_does_not_run(
    runtime: FakeRuntime, loop: asyncio.AbstractEventLoop
) -> None:
    """The other callbacks run, and no error is reported."""
    ran: list[str] = []
    reported: list[object] = []
    loop.set_exception_handler(lambda _loop, context: reported.append(context))
    loop.call_soon(ran.append, "a").cancel()
    loop.call_soon(ran.append, "b")
    runtime.run_microtasks()
    assert (ran, reported) == (["b"], [])


def test_a_callback_that_raises_is_reported_and_stops_nobody(
    runtime: FakeRuntime, loop: asyncio.AbstractEventLoop
) -> None:
    """The loop's exception handler gets the error, and the other callbacks run."""
    ran: list[str] = []
    reported: list[object] = []
    loop.set_exception_handler(lambda _loop, context: reported.append(context["exception"]))
    error = ZeroDivisionError()

    def failing() -> None:
        raise error

    loop.call_soon(failing)
    loop.call_soon(ran.append, "after")
    runtime.run_microtasks()
    assert ran == ["after"]
    assert reported == [error]


def test_what_breaks_out_of_a_callback_leaves_those_that_wait_to_another_microtask(
    runtime: FakeRuntime, loop: asyncio.AbstractEventLoop
) -> None:
    """Handles do not catch `SystemExit` and `KeyboardInterrupt`."""
    ran: list[str] = []

    def leaving() -> None:
        loop.call_soon(ran.append, "after")
        raise SystemExit

    loop.call_soon(leaving)
    with pytest.raises(SystemExit):
        runtime.run_microtasks()
    runtime.run_microtasks()
    assert ran == ["after"]
    loop.call_soon(ran.append, "later")
    runtime.run_microtasks()
    assert ran == ["after", "later"]


def test_the_running_loop_is_known(runtime: FakeRuntime, loop: asyncio.AbstractEventLoop) -> None:
    """Nearly everything in asyncio asks for the running loop."""
    known: list[object] = []
    loop.call_soon(lambda: known.append(asyncio.get_running_loop()))
    runtime.run_microtasks()
    assert known == [loop]


def test_a_callback_runs_in_its_context(
    runtime: FakeRuntime, loop: asyncio.AbstractEventLoop
) -> None:
    """It runs in the given context, or in a copy of the caller's."""
    name = contextvars.ContextVar("name", default="nobody")
    seen: list[str] = []
    context = contextvars.copy_context()
    context.run(name.set, "somebody")
    loop.call_soon(lambda: seen.append(name.get()), context=context)
    loop.call_soon(lambda: seen.append(name.get()))
    runtime.run_microtasks()
    assert seen == ["somebody", "nobody"]


def test_a_coroutine_gets_to_its_end(runtime: FakeRuntime, loop: asyncio.AbstractEventLoop) -> None:
    """One microtask is enough for a coroutine that waits for no I/O."""

    async def work() -> int:
        await asyncio.sleep(0)
        return sum(await asyncio.gather(*(asyncio.sleep(0, n) for n in (1, 2))))

    task = loop.create_task(work())
    runtime.microtasks.pop(0).function()
    assert task.result() == 3
