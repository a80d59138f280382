"""A finding: a verdict, its subject, one sentence, and what to do about it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Verdict(StrEnum):
    """How a line begins."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. ``said`` is a sentence about the subject. ``advice`` says what to do."""

    verdict: Verdict
    subject: str
    said: str
    advice: str = ""

    def __str__(self) -> str:
        """Return the line without its verdict."""
        return f"{self.subject}: {self.said} {self.advice}".rstrip()


def ok(subject: str, said: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(Verdict.OK, subject, said)


def warn(subject: str, said: str, advice: str) -> Finding:
    """Return a finding about something that works, but with a disadvantage."""
    return Finding(Verdict.WARN, subject, said, advice)


def fail(subject: str, said: str, advice: str) -> Finding:
    """Return a finding about something that does not work, or is dangerous."""
    return Finding(Verdict.FAIL, subject, said, advice)


def skip(subject: str, said: str, advice: str = "") -> Finding:
    """Return a finding that something was not checked, and why."""
    return Finding(Verdict.SKIP, subject, said, advice)


def has_failed(findings: Iterable[Finding]) -> bool:
    """Return whether anything fails."""
    return any(finding.verdict is Verdict.FAIL for finding in findings)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 row``, ``2,500 rows``."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def in_environment(finding: Finding, name: str | None) -> Finding:
    """Return the finding with commands for this environment of wrangler.toml."""
    if name is None:
        return finding
    advice = re.sub("`npm run (?:deploy|--silent sql)", rf"\g<0> -- --env {name}", finding.advice)
    return replace(finding, advice=re.sub("`npx wrangler [^`]*", rf"\g<0> --env {name}", advice))


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Join findings that name the same fault of several subjects into one."""
    subjects: dict[Finding, list[str]] = {}
    for finding in findings:
        subject = finding.subject if finding.verdict is Verdict.OK else ""
        subjects.setdefault(replace(finding, subject=subject), []).append(finding.subject)
    return [replace(finding, subject=", ".join(names)) for finding, names in subjects.items()]
