"""If a script cannot go on, it prints one sentence that says what to do, and no traceback."""

import sys
from collections.abc import Callable


class Failure(Exception):
    """The message names the cause and what to do. A log's last lines may come before it."""


def run_main(main: Callable[[], int]) -> None:
    """Exit with what `main` returns. If it raises Failure, print that and exit with 1."""
    try:
        status = main()
    except Failure as failure:
        print(failure, file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)
