"""The page for people: one document that knows nothing but how to show `/health`'s JSON.

`assets/` has it in parts, which a browser shows from the disk, too. They are read and joined for
the first person who asks, so that a Worker's start has nothing to do with them.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from edge_cache.http import Answer

PATH = "/"

_ASSETS = Path(__file__).with_name("assets")
_STYLE = '<link rel="stylesheet" href="page.css" />'
_SCRIPTS = ("words.js", "page.js")

_HTML, _JSON = "text/html", "application/json"


@dataclass(frozen=True, slots=True)
class _Document:
    """The page's bytes, and the policy under which a browser shows it."""

    body: bytes
    policy: str


def answer(status: int = 200) -> Answer:
    """Answer with the page, which no cache may keep."""
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
    """Return the report, or the page with its status for whoever would rather have HTML."""
    chosen = answer(report.status) if prefers_html(accept or "") else report
    return replace(chosen, headers={**chosen.headers, "vary": "Accept"})


def prefers_html(accept: str) -> bool:
    """Tell whether HTML is preferred to JSON (RFC 9110, section 12.5.1)."""
    weights = dict(map(_weighted, accept.lower().split(",")))
    return _weight(_HTML, weights) > _weight(_JSON, weights)


def _weighted(media_range: str) -> tuple[str, float]:
    """Return a media range and its weight; one that is malformed counts as none."""
    name, *parameters = (part.strip() for part in media_range.split(";"))
    weight = next((text[2:] for text in parameters if text.startswith("q=")), "1")
    try:
        return name, float(weight)
    except ValueError:
        return name, 0


def _weight(media_type: str, weights: dict[str, float]) -> float:
    """Return the weight that the most specific range gives to a media type."""
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
    """Allow what the page has in it, and requests to this Worker."""
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
            # No text can become markup, not even by a mistake in the script.
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _source(text: str) -> str:
    """Return the source that stands for an inline text alone."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
