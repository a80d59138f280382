"""The emptiest Python Worker: it imports only what the runtime asks of every Python Worker."""

from typing import Any

import js
from workers import Request, WorkerEntrypoint


class Default(WorkerEntrypoint):
    """Answers a constant."""

    async def fetch(self, _request: Request) -> Any:
        """Answer."""
        return js.Response.new("ok")
