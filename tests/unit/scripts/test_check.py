"""`npm run check`: what it says about a wrangler.toml."""

from __future__ import annotations

import pytest

import check

CONFIG = """
[build]
watch_dir = ["src", "requirements"]

[triggers]
crons = ["* * * * *"]

[observability]
enabled = true
"""


def test_needed_settings_that_are_there_pass() -> None:
    assert check.lost_settings(CONFIG) == ""


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ('crons = ["* * * * *"]', 'crons = ["*/5 * * * *"]'),
        ('crons = ["* * * * *"]', ""),
        ("enabled = true", "enabled = false"),
        ('watch_dir = ["src", "requirements"]', 'watch_dir = "src"'),
    ],
)
def test_a_needed_setting_that_differs_is_one_sentence(there: str, instead: str) -> None:
    """The sentence says what is wrong, what happens then, and what to write."""
    (problem,) = check.lost_settings(CONFIG.replace(there, instead)).splitlines()
    name, value = there.split(" = ")
    assert f"does not set {name} to {value}, so " in problem
    assert problem.endswith(f": write `{there}` there.")


def test_each_missing_section_is_named() -> None:
    problems = check.lost_settings("").splitlines()
    assert [problem.split("]")[0] for problem in problems] == [
        "wrangler.toml: [triggers",
        "wrangler.toml: [observability",
        "wrangler.toml: [build",
    ]
