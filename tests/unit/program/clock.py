"""Time that only waiting moves, and the lives of what runs in it.

A test that is a coroutine is played in an event loop of its own. Whenever everything waits, the
loop's time jumps to the next timer, so that an hour takes no time at all. A `Life` collects the
tasks and timers of one Durable Object, because they all end with it.
"""

from __future__ import annotations

import asyncio
import gc
import selectors
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from typing import Any, TypeVarTuple

_Args = TypeVarTuple("_Args")

START_MS = 1_700_000_000_000
"""The Unix time at which every test begins."""


class Clock:
    """The Unix time, which can be set, and the time that has passed, which cannot."""

    def __init__(self) -> None:
        self._began_ms = START_MS

    @property
    def passed_s(self) -> float:
        """How long the test has lasted; nothing before it begins."""
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return 0.0

    @property
    def passed_ms(self) -> int:
        """The same in whole milliseconds."""
        return round(self.passed_s * 1000)

    def now_ms(self) -> int:
        """Return the Unix time in milliseconds."""
        return self._began_ms + self.passed_ms

    def set_by(self, ms: int) -> None:
        """Set the Unix time forward, or back."""
        self._began_ms += ms


class Life:
    """The tasks and timers of what may die at any moment."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        self.timers: set[asyncio.TimerHandle] = set()

    def begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Begin something that ends with this life, like all that it begins itself."""
        context = Context()
        context.run(_LIFE.set, self)
        return context.run(asyncio.ensure_future, work)

    def end(self) -> None:
        """End everything, without a word."""
        for timer in self.timers:
            timer.cancel()
        for task in self.tasks:
            task.cancel()


_LIFE: ContextVar[Life | None] = ContextVar("life", default=None)


class _Selector(selectors.SelectSelector):
    """Lets time pass instead of waiting."""

    passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return at once."""
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("Everything waits, and nothing is going to happen.")
        if not ready and timeout:
            self.passed_s += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)
        self.set_task_factory(_task_of)

    def time(self) -> float:
        return self._clock.passed_s

    def call_at(
        self,
        when: float,
        callback: Callable[[*_Args], object],
        *args: *_Args,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = super().call_at(when, callback, *args, context=context)
        if life := _LIFE.get():
            life.timers.add(timer)
        return timer


def _task_of(loop: asyncio.AbstractEventLoop, work: Any, **named: Any) -> asyncio.Task[Any]:
    task = asyncio.Task(work, loop=loop, **named)
    if life := _LIFE.get():
        life.tasks.add(task)
        task.add_done_callback(life.tasks.discard)
    return task


def play(scene: Coroutine[Any, Any, None]) -> None:
    """Run a scene in time that only waiting moves; no task may end with an error unseen."""
    unseen: list[dict[str, Any]] = []
    gc.freeze()  # so that the collection below looks at what the scene made, and at nothing else
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.get_loop().set_exception_handler(lambda _loop, context: unseen.append(context))
        runner.run(scene)
        gc.collect()  # asyncio tells of an error that nobody looked at when its task is dropped
    gc.unfreeze()
    if unseen:
        raise AssertionError(unseen)


async def settle() -> None:
    """Let everything run that need not wait for time to pass."""
    for _ in range(50):
        await asyncio.sleep(0)
