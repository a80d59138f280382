"""asyncio's callbacks as microtasks.

Pyodide's event loop sets a timer for every callback, and then runs it on a WebAssembly stack of its
own. A task has a callback when it begins, whenever something that it awaits is there, and when it
ends: six for a hit, 25 µs each (measured in workerd, where a hit in all is 2 ms). As a microtask a
callback costs 8 µs. It runs as soon as the code that asked for it has returned, so within the same
request.

What is given up: ``run_sync`` does not work in a callback, and ``asyncio.sleep(0)`` lets other
callbacks run but no I/O happen.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from functools import cache
from typing import Any

import js
from pyodide.ffi import create_proxy

_ready: deque[asyncio.Handle] = deque()


def use_microtasks() -> None:
    """Have the event loop's ``call_soon`` queue microtasks; delayed calls stay timers."""
    asyncio.get_event_loop().call_soon = _call_soon  # type: ignore[method-assign,assignment]


def _call_soon(
    callback: Callable[..., object], *args: Any, context: Context | None = None
) -> asyncio.Handle:
    handle = asyncio.Handle(callback, args, asyncio.get_event_loop(), context=context)
    _ready.append(handle)
    # One for each callback, though the first runs them all: the runtime drops the microtasks of a
    # request that it ends by force, and those that come later must not wait for them.
    js.queueMicrotask(_run_ready_proxy())
    return handle


@cache
def _run_ready_proxy() -> Any:
    # Not made on import: a snapshot of the Worker cannot hold it.
    return create_proxy(_run_ready)


def _run_ready() -> None:
    # Which loop runs is remembered for each stack; asyncio's own parts, for those who write loops.
    loop = asyncio.get_event_loop()
    if asyncio._get_running_loop() is not loop:  # noqa: SLF001
        asyncio._set_running_loop(loop)  # noqa: SLF001
    while _ready:
        handle = _ready.popleft()
        if not handle.cancelled():
            handle._run()  # noqa: SLF001
