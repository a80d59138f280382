"""The emptiest Python Worker. It imports only what the runtime requires of every Python Worker."""

from typing import Any

import js
from workers import Request, WorkerEntrypoint


class Default(WorkerEntrypoint):
    """Answers every request with a constant."""

    async def fetch(self, _request: Request) -> Any:
        """Answer."""
        return js.Response.new("ok")
