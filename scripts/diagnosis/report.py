"""Prints findings: a line each that begins with the verdict, then a summary."""

from collections.abc import Mapping, Sequence

from diagnosis.findings import Finding, Verdict, counted

_COLOURS = {Verdict.OK: "32", Verdict.WARN: "33", Verdict.FAIL: "31", Verdict.SKIP: "36"}
"""ANSI colours of the word. The word says the same without them."""

_WIDTH = max(map(len, Verdict)) + 2


def wants_colour(environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Return whether to colour the words; see https://no-color.org."""
    return is_terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


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
