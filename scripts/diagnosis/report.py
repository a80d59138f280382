"""Prints findings: a line each that begins with the verdict, then a summary."""

import os
import sys
from collections.abc import Iterable, Sequence

from diagnosis.findings import Finding, Verdict, counted
from shared.terminal import CYAN, GREEN, RED, YELLOW, wants_colour

_COLOURS = {Verdict.OK: GREEN, Verdict.WARN: YELLOW, Verdict.FAIL: RED, Verdict.SKIP: CYAN}

_WIDTH = max(map(len, Verdict)) + 2


def show(findings: Iterable[Finding]) -> list[Finding]:
    """Print a line for each finding, and return them."""
    shown = list(findings)
    coloured = wants_colour(os.environ, is_terminal=sys.stdout.isatty())
    for finding in shown:
        print(line(finding, coloured=coloured), flush=True)
    return shown


def line(finding: Finding, *, coloured: bool) -> str:
    """Return a finding's line."""
    word = finding.verdict.ljust(_WIDTH)
    if coloured:
        word = f"\033[{_COLOURS[finding.verdict]}m{word}\033[0m"
    return word + str(finding)


def summary(findings: Sequence[Finding]) -> str:
    """Return how many findings there were of each verdict."""
    verdicts = [finding.verdict for finding in findings]
    warnings = counted(verdicts.count(Verdict.WARN), "warning")
    failures = counted(verdicts.count(Verdict.FAIL), "failure")
    return (
        f"{verdicts.count(Verdict.OK)} ok, {warnings}, {failures},"
        f" {verdicts.count(Verdict.SKIP)} not checked."
    )
