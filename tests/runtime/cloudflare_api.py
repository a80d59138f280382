"""A stand-in for the part of Cloudflare's API that Wrangler uses when it deploys.

Its account is empty at first. It remembers Workers with their bindings and annotations, and KV
namespaces. To everything else it only answers that it was done.
"""

from __future__ import annotations

import json
import re
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from upstream import running

ACCOUNT_ID = "0123456789abcdef0123456789abcdef"
VERSION_ID = "fedcba9876543210fedcba9876543210"

_METADATA = re.compile(rb'name="metadata".*?\r\n\r\n(.*?)\r\n--', re.DOTALL)
"""The part of an upload that has the bindings."""

_WORKER = re.compile(r"workers/(?:scripts|services)/(?P<name>[^/]+)/?(?P<what>.*)")


class Account(ThreadingHTTPServer):
    """The account: bindings by Worker, and ids of KV namespaces by title.

    It ``refuses`` what is asked with this method and path, or with the beginning of them.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.workers: dict[str, list[dict[str, str]]] = {}
        self.uploads: list[dict[str, Any]] = []
        self.annotations: dict[str, dict[str, str]] = {}
        self.refuses = ""
        self.namespaces: dict[str, str] = {}

    @property
    def variables(self) -> dict[str, str]:
        """Return variables that make Wrangler use this server."""
        return {
            "CLOUDFLARE_API_BASE_URL": f"http://127.0.0.1:{self.server_port}/client/v4",
            "CLOUDFLARE_API_TOKEN": "nobody's",
            "CLOUDFLARE_ACCOUNT_ID": ACCOUNT_ID,
        }

    def answer(self, method: str, path: str, body: bytes) -> object:
        """Return a request's result. Raises KeyError if no such Worker exists, or ValueError."""
        if self.refuses and f"{method} {path}".startswith(self.refuses):
            raise ValueError(path)
        if path in {"/accounts", "/memberships"}:
            mine = {"id": ACCOUNT_ID, "name": "Somebody's Account"}
            return [mine | {"account": mine}]
        worker = _WORKER.fullmatch(path)
        if path == "storage/kv/namespaces":
            return self._namespace(json.loads(body)["title"]) if body else self._listed()
        if worker and method == "PUT" and not worker["what"]:
            return self._upload(worker["name"], body)
        if worker and method == "GET":
            return self._known(worker["name"], worker["what"])
        is_account = path == "workers/subdomain"
        return {"subdomain": "somebody" if is_account else {"enabled": True, "previews": False}}

    def _listed(self) -> object:
        return [{"id": id_, "title": title} for title, id_ in self.namespaces.items()]

    def _namespace(self, title: str) -> object:
        self.namespaces[title] = f"{len(self.namespaces):032x}"
        return {"id": self.namespaces[title], "title": title}

    def _upload(self, name: str, body: bytes) -> object:
        metadata = _METADATA.search(body)
        assert metadata
        upload = json.loads(metadata[1])
        self.uploads.append(upload)
        self.workers[name] = self._kept(name, upload)
        self.annotations[name] = upload.get("annotations") or {}
        return {"id": name, "etag": "e", "deployment_id": VERSION_ID, "startup_time_ms": 400}

    def _kept(self, name: str, upload: dict[str, Any]) -> list[dict[str, str]]:
        """Return the bindings of an upload, and those that it keeps or inherits."""
        new = {one["name"]: one for one in upload["bindings"]}
        inherited = {name for name, one in new.items() if one["type"] == "inherit"}
        for one in self.workers.get(name, ()):
            is_kept = one["type"] in upload["keep_bindings"] and one["name"] not in new
            if is_kept or one["name"] in inherited:
                new[one["name"]] = one
        return [*new.values()]

    @staticmethod
    def _deployment() -> dict[str, object]:
        return {
            "id": VERSION_ID,
            "strategy": "percentage",
            "versions": [{"version_id": VERSION_ID, "percentage": 100}],
            "author_email": "somebody@example.com",
            "source": "wrangler",
            "created_on": "2026-01-02T03:04:05Z",
        }

    def _known(self, name: str, what: str) -> object:
        bindings = self.workers[name]
        script = {"last_deployed_from": "wrangler"}
        known: dict[str, object] = {
            "": {"default_environment": {"environment": "production", "script": script}},
            "settings": {"bindings": bindings},
            "secrets": [],
            "deployments": {"deployments": [self._deployment()]},
            f"versions/{VERSION_ID}": {
                "id": VERSION_ID,
                "annotations": self.annotations[name],
                "resources": {"bindings": bindings},
            },
        }
        return known[what]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Account

    def do_GET(self) -> None:
        """Answer in Cloudflare's envelope."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        path = self.path.partition("?")[0].removeprefix("/client/v4")
        path = path.partition(f"{ACCOUNT_ID}/")[2] or path
        status, errors, result = 200, [], None
        try:
            result = self.server.answer(self.command, path, body)
        except KeyError:
            status, errors = 404, [{"code": 10007, "message": "This Worker does not exist."}]
        except ValueError:
            status, errors = 403, [{"code": 10000, "message": "Authentication error"}]
        told = {"success": not errors, "errors": errors, "messages": [], "result": result}
        said = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Print nothing."""


def account() -> AbstractContextManager[Account]:
    """Serve an empty account until the block ends."""
    return running(Account())
