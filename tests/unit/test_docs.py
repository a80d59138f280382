"""The documentation names everything that an operator meets: events, variables and routes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
DOCS = "\n".join(path.read_text() for path in PAGES)
OTHER_PAGES = [ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md")]

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def nodes(path: Path) -> Iterator[ast.AST]:
    """Return all nodes of a module's syntax tree."""
    return ast.walk(ast.parse(path.read_text()))


def first_arguments(tree: ast.AST, *callees: str) -> Iterator[ast.expr]:
    """Return the first argument of each call of these functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in callees:
            yield node.args[0]


def texts(argument: ast.AST, function: _Function) -> set[str]:
    """Return the possible texts of an argument: a literal, or the values of a name."""
    if isinstance(argument, ast.Name):
        return {
            text
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == argument.id
            for text in texts(node.value, function)
        }
    literals = (node.value for node in ast.walk(argument) if isinstance(node, ast.Constant))
    return {text for text in literals if isinstance(text, str)}


def logged_events() -> set[str]:
    """Return every event that the source may log."""
    events: set[str] = set()
    for function in (node for path in SOURCES for node in nodes(path)):
        if isinstance(function, _Function):
            for argument in first_arguments(function, "log", "self._log"):
                found = texts(argument, function)
                assert found, f"{function.name} logs what this test cannot tell"
                events |= found
    return events


def test_every_event_of_the_log_is_documented() -> None:
    """The table in `docs/operating.md` has no other events."""
    table = (ROOT / "docs" / "operating.md").read_text().partition("## Events")[2]
    documented = re.findall(r"(?m)^\| `(\w+)` \|", table.partition("\n## ")[0])
    assert set(documented) == logged_events()
    assert len(documented) == len(set(documented))


def test_every_variable_is_documented() -> None:
    config = ast.parse((ROOT / "src/edge_cache/config.py").read_text())
    names = {ast.literal_eval(argument) for argument in first_arguments(config, "variable")}
    assert len(names) > 5
    assert [name for name in sorted(names) if name not in DOCS] == []


def test_every_route_is_documented() -> None:
    """The Worker's own routes are in the documentation."""
    routes = {
        ast.literal_eval(node.value)
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith("_PATH")
        if isinstance(node.value, ast.Constant)
    }
    assert {"/revalidate", "/health"} <= routes
    assert [route for route in sorted(routes) if f"`{route}`" not in DOCS] == []


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text())
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(page: Path, target: str) -> bool:
    """Return whether a link of a page names a file, and if it has an anchor, a heading of it."""
    path, _, anchor = target.partition("#")
    file = page.parent / path if path else page
    return file.exists() and (not anchor or anchor in anchors(file))


@pytest.mark.parametrize("page", [*PAGES, *OTHER_PAGES], ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    markdown = r"\]\((?!https?:)([^)\s]+)\)"
    links = re.findall(rf'{markdown}|src="([^"]+)"', page.read_text())
    targets = [target for link in links for target in link if target]
    assert [target for target in targets if not leads_somewhere(page, target)] == []


def test_every_page_that_the_code_names_exists() -> None:
    code = [*SOURCES, *(ROOT / "scripts").rglob("*.py"), *(ROOT / "supabase").rglob("*.sql")]
    names = {
        name
        for path in (*code, ROOT / "wrangler.toml")
        for name in re.findall(r"(?<!\w/)docs/[a-z-]+\.md(?:#[a-z-]+)?", path.read_text())
    }
    assert len(names) > 3
    assert [name for name in sorted(names) if not leads_somewhere(ROOT / "README.md", name)] == []
