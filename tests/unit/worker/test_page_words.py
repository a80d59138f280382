"""How the page shows numbers and times, tested in Node."""

from __future__ import annotations

import json
import subprocess

import pytest

from shared.project import ROOT, environment

WORDS = (ROOT / "src" / "edge_cache" / "worker" / "assets" / "words.js").read_text()


def said(expression: str) -> object:
    """Return the JSON value of an expression that uses the page's functions."""
    script = f"{WORDS}\nconsole.log(JSON.stringify({expression}))"
    told = subprocess.run(  # noqa: S603  ours
        ["node", "-e", script],  # noqa: S607
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    value: object = json.loads(told.stdout)
    return value


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("duration", {0: "0 s", 59.9: "59 s", 60: "1 min", 3599: "59 min", 3600: "1 h"}),
        ("duration", {86_399: "23 h", 86_400: "1 d", 864_000: "10 d"}),
        ("since", {1.9: "just now", 2: "2 s ago"}),
        ("bytes", {0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB"}),
        ("bytes", {999_950: "1.0 MB", 26_214_400: "26.2 MB"}),
        ("count", {999: "999", 12_345: "12,345"}),
        ("countOrNone", {0: "none", 1000: "1,000"}),
    ],
)
def test_figures_are_words(function: str, words: dict[float, str]) -> None:
    assert said(f"{json.dumps(list(words))}.map({function})") == list(words.values())


def test_ages_are_told_by_the_workers_clock() -> None:
    """The browser's clock may be wrong. No age is negative."""
    report = '{now: "2001-01-01T00:01:00Z"}'
    times = '["2001-01-01T00:00:00Z", "2001-01-01T00:02:00Z"]'
    assert said(f"{times}.map(clock({report}, 5000))") == [65, 0]


def test_it_is_told_what_signed_in_readers_share() -> None:
    told = '[true, false, [], ["recent", "rpc/add"]]'
    assert said(f"{told}.map(sharedOf)") == [
        "share this",
        "get their own answers",
        "share nothing",
        "share recent, rpc/add",
    ]
