"""The page for people: one document that only shows `/health`'s JSON.

`assets/` has its parts, so that a browser can show them from the disk too. They are read and joined
when the first person asks, so that they do not make the Worker's start slower.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from edge_cache.messages import Answer

PATH = "/"

_ASSETS = Path(__file__).with_name("assets")
_STYLE = '<link rel="stylesheet" href="page.css" />'
_SCRIPTS = ("words.js", "traffic.js", "queries.js", "page.js")

_HTML, _JSON = "text/html", "application/json"


@dataclass(frozen=True, slots=True)
class _Document:
    """The page's bytes, and its Content-Security-Policy."""

    body: bytes
    policy: str


def answer(status: int = 200) -> Answer:
    """Answer with the page. No cache may keep it."""
    document = _document()
    headers = {
        "content-type": f"{_HTML}; charset=utf-8",
        "content-length": str(len(document.body)),
        "cache-control": "no-store",
        "content-security-policy": document.policy,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return Answer(status, headers, document.body)


def negotiated(report: Answer, accept: str | None) -> Answer:
    """Return the report. If the client prefers HTML, return the page with the report's status."""
    chosen = answer(report.status) if prefers_html(accept or "") else report
    return replace(chosen, headers={**chosen.headers, "vary": "Accept"})


def prefers_html(accept: str) -> bool:
    """Return whether the client prefers HTML to JSON (RFC 9110, section 12.5.1)."""
    weights = dict(map(_weighted, accept.lower().split(",")))
    return _weight(_HTML, weights) > _weight(_JSON, weights)


def _weighted(media_range: str) -> tuple[str, float]:
    """Return a media range and its weight. A malformed weight counts as 0."""
    name, *parameters = (part.strip() for part in media_range.split(";"))
    weight = next((text[2:] for text in parameters if text.startswith("q=")), "1")
    try:
        return name, float(weight)
    except ValueError:
        return name, 0


def _weight(media_type: str, weights: dict[str, float]) -> float:
    """Return a media type's weight. The most specific range decides."""
    ranges = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
    return next((weights[name] for name in ranges if name in weights), 0)


@cache
def _document() -> _Document:
    style, scripts = _read("page.css"), {name: _read(name) for name in _SCRIPTS}
    html = _read("page.html").replace(_STYLE, f"<style>{style}</style>")
    for name, script in scripts.items():
        html = html.replace(f'<script src="{name}"></script>', f"<script>{script}</script>")
    return _Document(html.encode(), _policy(style, *scripts.values()))


def _read(name: str) -> str:
    return (_ASSETS / name).read_text()


def _policy(style: str, *scripts: str) -> str:
    """Allow only what the page itself has, and requests to this Worker."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(map(_source, scripts))}",
            f"style-src {_source(style)}",
            "img-src data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            # So no text can become markup, even if the script has a mistake.
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _source(text: str) -> str:
    """Return the policy's source that allows this inline text and no other."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
