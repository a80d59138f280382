"""Options that npm kept for itself, because there were no two dashes before them."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence

from shared.failure import Failure

_OPTION = re.compile(r"--[a-z][a-z-]*")


def check(
    command: str, options: Iterable[str], words: Sequence[str], environ: Mapping[str, str]
) -> None:
    """Raise Failure if npm took one of these options, and the command did not get it.

    ``command`` is what stands before the options, such as ``npm start --``.
    """
    for option in options:
        taken = environ.get(f"npm_config_{option.removeprefix('--').replace('-', '_')}")
        if taken and not any(word.split("=")[0] == option for word in words):
            value = words if taken == "true" else (taken, *words)
            raise Failure(
                f"npm kept {option} for itself. Write two dashes before the options:"
                f" `{command} {' '.join((option, *value))}`."
            )


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Return the options of the command line, if npm took none of them. Raises Failure."""
    options = _OPTION.findall(parser.format_usage())
    check(parser.prog, options, sys.argv[1:], os.environ)
    return parser.parse_args()
