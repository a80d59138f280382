"""The README's own code, as a newcomer runs it: its reads come from the cache."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping

import pytest
from edge import Edge

from local import stack
from shared.project import NODE_MODULES, ROOT

pytestmark = pytest.mark.played

README = (ROOT / "README.md").read_text()
RUN: Mapping[str, list[str]] = {
    "js": [str(NODE_MODULES / ".bin" / "node"), "--input-type=module", "--eval"],
    "python": [sys.executable, "-c"],
}
QUERY = "/rest/v1/articles?select=title,author:authors(name)"
CLIENTS = {"js": 3, "python": 1}
"""How many clients the code has. Each reads once."""


def code(language: str) -> str:
    """Return the README's code in a language."""
    (found,) = re.findall(rf"(?ms)^```{language}\n(.*?)^```", README)
    return str(found)


def run(language: str, edge: Edge, supabase: stack.Supabase, slash: str) -> str:
    """Run the README's code with the addresses of this test. Return what it prints."""
    here = edge.url.removeprefix("http://")
    program = (
        code(language)
        .replace("http://localhost:54321", supabase.url + slash)
        .replace("http://localhost:8787", edge.url + slash)
        .replace("localhost:8787", here)
        .replace("sb_publishable_local_only", supabase.publishable_key)
    )
    command = [*RUN[language], program]
    said = subprocess.run(  # noqa: S603  the README's
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return said.stdout


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("language", RUN)
def test_every_client_reads_from_the_cache(
    edge: Edge, supabase: stack.Supabase, language: str, slash: str
) -> None:
    """The addresses may have a slash at their end."""
    headers = {"apikey": supabase.publishable_key, "accept-profile": "public"}
    edge.http.get(QUERY, headers=headers).raise_for_status()
    edge.kv.wait()
    clients = CLIENTS[language]
    assert run(language, edge, supabase, slash).count("First blog") == clients
    lines = edge.log.wait_for("miss", "hit", "bypass", count=1 + clients)
    assert [line["event"] for line in lines] == ["miss"] + ["hit"] * clients
