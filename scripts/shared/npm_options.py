"""Options that npm kept for itself, because there were no two dashes before them."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence

from shared.failure import Failure

_OPTION = re.compile(r"--[a-z][a-z-]*")


def parsed(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """Return the options of a command line, if npm took none of them. Raises Failure.

    The parser's name is what stands before the options, such as ``npm start --``.
    """
    for option in _OPTION.findall(parser.format_usage()):
        taken = os.environ.get(f"npm_config_{option.removeprefix('--').replace('-', '_')}")
        if taken and not any(word.split("=")[0] == option for word in words):
            value = words if taken == "true" else (taken, *words)
            raise Failure(
                f"npm kept {option} for itself. Write two dashes before the options:"
                f" `{parser.prog} {' '.join((option, *value))}`."
            )
    return parser.parse_args(words)
