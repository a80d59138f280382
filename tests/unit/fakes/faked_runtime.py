"""The part of the Workers runtime's objects that `edge_cache.cloudflare` uses.

They are as strict as JavaScript: they do not accept Python's own lists, dicts and bytes, and a
promise runs from the moment of the call, even if nobody awaits it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any


class JsException(Exception):
    """What JavaScript threw."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name, message)
        self.name = name
        self.message = message


class JsNull:
    """JavaScript's null. None is not null: it is JavaScript's undefined."""

    def __bool__(self) -> bool:
        """Be false."""
        return False


jsnull = JsNull()


@dataclass
class TypedArray:
    """Bytes in JavaScript's memory."""

    data: bytes

    def to_bytes(self) -> bytes:
        """Copy them into Python's."""
        return self.data

    def subarray(self, start: int, end: int) -> TypedArray:
        """Return a part. It is not a copy."""
        return TypedArray(self.data[start:end])


class JsObject(SimpleNamespace):
    """A plain JavaScript object."""


class JsArray(tuple[object, ...]):
    """A JavaScript array."""

    __slots__ = ()


class GrowingArray(list[object]):
    """An array that is filled bit by bit."""

    def push(self, item: object) -> None:
        """Add an item, which must be a JavaScript value."""
        assert isinstance(item, TypedArray)
        self.append(item)


@dataclass
class ChunkStream:
    """A stream of the items of an array."""

    chunks: GrowingArray


class Proxy:
    """A Python function that JavaScript may keep."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.function = function


class Promise:
    """The outcome of an asynchronous function. An exception is raised when somebody awaits it."""

    def __init__(self, outcome: object, awaited: Callable[[], object] = lambda: None) -> None:
        self._outcome = outcome
        self._awaited = awaited

    def __await__(self) -> Generator[Any, None, Any]:
        """Let others run, and return the outcome."""
        self._awaited()
        yield from asyncio.sleep(0).__await__()
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


def parsed(value: object) -> Any:
    """Return the JavaScript value of a JSON text."""
    if isinstance(value, dict):
        return JsObject(**{name: parsed(member) for name, member in value.items()})
    if isinstance(value, list):
        return JsArray(parsed(item) for item in value)
    return jsnull if value is None else value


def plain(value: object) -> Any:
    """Return the Python value of a JavaScript value."""
    if isinstance(value, JsObject):
        return {name: plain(member) for name, member in vars(value).items()}
    if isinstance(value, JsArray):
        return [plain(item) for item in value]
    if isinstance(value, dict | list | tuple | bytes):
        raise TypeError(f"JavaScript sees a proxy of Python's {type(value).__name__}")
    return None if value is jsnull else value


def to_js(value: object, *, dict_converter: Callable[[Any], object] | None = None) -> Any:
    """Convert deeply, as `pyodide.ffi.to_js` does. What it does not know, it does not convert."""
    if isinstance(value, bytes):
        return TypedArray(value)
    if isinstance(value, list | tuple):
        return JsArray(to_js(item, dict_converter=dict_converter) for item in value)
    if isinstance(value, dict):
        # Without a converter it would be a Map, and its entries would not be properties.
        assert dict_converter is not None, "a Map has no properties"
        return dict_converter(
            JsArray((name, to_js(item, dict_converter=dict_converter)))
            for name, item in value.items()
        )
    return value


class Stream:
    """A body in chunks. A chunk that is an exception breaks the stream."""

    def __init__(self, *chunks: bytes | JsException) -> None:
        self.chunks = list(chunks)
        self.cancelled = 0

    def cancel(self) -> Promise:
        """Cancel the stream."""
        self.cancelled += 1
        return Promise(None)

    def getReader(self) -> Stream:  # noqa: N802  JavaScript's name
        """Return a reader."""
        return self

    def read(self) -> Promise:
        """Return the next chunk."""
        if not self.chunks:
            return Promise(JsObject(done=True, value=None))
        chunk = self.chunks.pop(0)
        if isinstance(chunk, JsException):
            return Promise(chunk)
        return Promise(JsObject(done=False, value=TypedArray(chunk)))

    def whole(self) -> bytes | JsException:
        """Return all chunks as one, or raise the exception."""
        broken = next((chunk for chunk in self.chunks if isinstance(chunk, JsException)), None)
        return broken or b"".join(chunk for chunk in self.chunks if isinstance(chunk, bytes))


class Headers:
    """Headers in pairs, because a name may come twice.

    The headers of a response that `fetch` returned cannot be changed.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = list(pairs)
        self.immutable = False

    def get(self, name: str) -> str | JsNull:
        """Return a header's value."""
        return dict(self._pairs).get(name, jsnull)

    def has(self, name: str) -> bool:
        """Tell whether there is a header."""
        return name in dict(self._pairs)

    def append(self, name: str, value: str) -> None:
        """Add a header, and keep others of that name."""
        if self.immutable:
            raise JsException("TypeError", "Can't modify immutable headers.")
        self._pairs.append((name, value))

    def set(self, name: str, value: str) -> None:
        """Set a header, and remove others of that name."""
        if self.immutable:
            raise JsException("TypeError", "Can't modify immutable headers.")
        self._pairs = [pair for pair in self._pairs if pair[0] != name] + [(name, value)]

    def delete(self, name: str) -> None:
        """Remove all headers of that name."""
        if self.immutable:
            raise JsException("TypeError", "Can't modify immutable headers.")
        self._pairs = [pair for pair in self._pairs if pair[0] != name]

    def __iter__(self) -> Iterator[Any]:
        """Return the pairs."""
        return iter([JsArray(pair) for pair in self._pairs])


class Response:
    """A response that the runtime's `fetch` returned, or that `new` made."""

    def __init__(
        self,
        body: object = None,
        status: int = 200,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    ) -> None:
        assert not isinstance(body, bytes), "JavaScript sees a proxy of Python's bytes"
        self.body = body
        self.status = status
        self.headers = Headers([*(headers.items() if isinstance(headers, Mapping) else headers)])

    @classmethod
    def new(cls, body: object, init: object = None) -> Response:
        """Make a response as JavaScript's `new` does.

        If it gets a response, it copies all but the body.
        """
        if isinstance(init, Response):
            return cls(body, init.status, [(pair[0], pair[1]) for pair in init.headers])
        return cls(body, **(plain(init) if init else {}))

    @property
    def ok(self) -> bool:
        """Whether the status means success."""
        return 200 <= self.status < 300

    def arrayBuffer(self) -> Promise:  # noqa: N802  JavaScript's name
        """Return the body's bytes."""
        assert isinstance(self.body, Stream)
        whole = self.body.whole()
        return Promise(whole if isinstance(whole, JsException) else TypedArray(whole))

    def text(self) -> Promise:
        """Return the body's text."""
        assert isinstance(self.body, Stream)
        whole = self.body.whole()
        return Promise(whole if isinstance(whole, JsException) else whole.decode())


class FakeRuntime:
    """The modules that only the runtime has. It records the calls."""

    def __init__(self) -> None:
        self.answer: Response | JsException = Response(Stream())
        """What `fetch` answers."""
        self.fetched: list[tuple[str, Any]] = []
        self.microtasks: list[Proxy] = []
        self.printed: list[str] = []
        self.waited_for: list[Awaitable[object]] = []
        self.env = SimpleNamespace()
        self.cache: object = None
        """What the Worker reaches of the cache in front of it."""

    def modules(self) -> dict[str, ModuleType]:
        """Return the modules by name."""
        return {
            "js": _module(
                "js",
                fetch=self._fetch,
                JSON=SimpleNamespace(
                    parse=lambda text: parsed(json.loads(text)),
                    stringify=lambda value: json.dumps(plain(value), separators=(",", ":")),
                ),
                Object=SimpleNamespace(fromEntries=_from_entries),
                AbortSignal=SimpleNamespace(timeout=lambda ms: JsObject(aborts_after_ms=ms)),
                Response=Response,
                Array=SimpleNamespace(new=GrowingArray, **{"from": JsArray}),
                ReadableStream=SimpleNamespace(**{"from": ChunkStream}),
                queueMicrotask=self._queue_microtask,
                console=SimpleNamespace(log=self.printed.append),
            ),
            "pyodide": _module("pyodide"),
            "pyodide.ffi": _module(
                "pyodide.ffi",
                JsException=JsException,
                jsnull=jsnull,
                to_js=to_js,
                create_proxy=Proxy,
            ),
            "workers": _module(
                "workers",
                import_from_javascript=self._import,
                wait_until=self.waited_for.append,
            ),
        }

    def run_microtasks(self) -> None:
        """Run the microtasks that are queued now, each even if one before it raises."""
        queued, self.microtasks = self.microtasks, []
        for task in queued:
            task.function()

    def _fetch(self, url: str, init: object) -> Promise:
        self.fetched.append((url, plain(init)))
        if isinstance(self.answer, Response):
            self.answer.headers.immutable = True
        return Promise(self.answer)

    def _queue_microtask(self, task: Proxy) -> None:
        assert isinstance(task, Proxy), "the function would be gone before it is called"
        self.microtasks.append(task)

    def _import(self, name: str) -> SimpleNamespace:
        assert name == "cloudflare:workers"
        return SimpleNamespace(env=self.env, cache=self.cache)


def _from_entries(entries: Any) -> JsObject:
    return JsObject(**dict(entries))


def _module(name: str, **members: object) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(members)
    return module
