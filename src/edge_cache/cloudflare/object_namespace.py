"""The namespace of the objects behind the port of `edge_cache.ports`."""

from __future__ import annotations

import json
from typing import Any

from pyodide.ffi import JsException, jsnull

from edge_cache.bodies import Stream
from edge_cache.cloudflare.javascript import JS
from edge_cache.errors import RefresherUnavailable


class JsAnswer:
    """An object's answer. A header or the body comes into Python only when somebody asks for it."""

    def __init__(self, response: Any) -> None:
        self._response = response

    @property
    def is_ok(self) -> bool:
        """Whether it is a success."""
        return bool(self._response.ok)

    @property
    def body(self) -> Stream | None:
        """The body as a stream."""
        body: Stream | None = self._response.body
        return None if body is jsnull else body

    def header(self, name: str) -> str | None:
        """Return a header's value, or None."""
        value = self._response.headers.get(name)
        return None if value is jsnull else str(value)

    async def text(self) -> str:
        """Return the body as text. Raises RefresherUnavailable."""
        try:
            return str(await self._response.text())
        except JsException as error:
            raise RefresherUnavailable("The Durable Object's answer is broken.") from error


class ObjectNamespace:
    """Calls objects by their names.

    The ``location_hint`` is where an object is placed when it is made, such as ``weur``.
    https://developers.cloudflare.com/durable-objects/reference/data-location/
    """

    def __init__(self, namespace: Any, location_hint: str | None = None) -> None:
        self._namespace = namespace
        options = {"locationHint": location_hint} if location_hint else {}
        self._options = JS.parse(json.dumps(options))

    async def call(self, name: str, url: str, body: str = "") -> JsAnswer:
        """Send a request to an object: a POST if it has a body. Raises RefresherUnavailable."""
        stub = self._namespace.getByName(name, self._options)
        try:
            return JsAnswer(await (stub.fetch(url, _post(body)) if body else stub.fetch(url)))
        except JsException as error:
            raise RefresherUnavailable("The Durable Object could not be reached.") from error


def _post(body: str) -> Any:
    return JS.parse(json.dumps({"method": "POST", "body": body}))
