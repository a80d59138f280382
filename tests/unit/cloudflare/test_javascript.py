"""JavaScript's functions, looked up once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import pytest


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("parse", "JSON.parse"),
        ("stringify", "JSON.stringify"),
        ("response", "Response.new"),
        ("log", "console.log"),
    ],
)
def test_a_function_is_looked_up_when_it_is_first_wanted(
    load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, name: str, place: str
) -> None:
    """The import does not look it up, because a snapshot may be made of it.

    Later calls do not look it up again.
    """
    functions = load("javascript").JS
    owner, member = place.split(".")
    for function in ("the first", "another"):
        monkeypatch.setattr(sys.modules["js"], owner, SimpleNamespace(**{member: function}))
        assert getattr(functions, name) == "the first"
