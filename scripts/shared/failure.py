"""What a script says when it cannot go on: one sentence a person can act on, not a traceback."""

import sys
from collections.abc import Callable


class Failure(Exception):
    """The message names the cause and the way out; a log's last lines may stand above it."""


def run_main(main: Callable[[], int]) -> None:
    """Exit with what `main` returns, or with 1 and the sentence of a Failure."""
    try:
        status = main()
    except Failure as failure:
        print(failure, file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)
