"""Fills `python_modules/` with the Worker's packages.

`wrangler.toml` runs this before each build, so `wrangler dev` and `wrangler deploy` work too. So it
is also the place for a warning that concerns each deployment.
"""

from setup import worker_packages
from shared.declarations import warn_of_old_way
from shared.failure import run_main


def main() -> int:
    """Install the packages if they are not current."""
    worker_packages.vendor()
    warn_of_old_way()
    return 0


if __name__ == "__main__":
    run_main(main)
