"""Fills `python_modules/` with the Worker's packages.

`wrangler.toml` runs this before each build, so `wrangler dev` and `wrangler deploy` work too.
"""

from setup import worker_packages
from shared.failure import run_main


def main() -> int:
    """Install the packages if they are not current."""
    worker_packages.vendor()
    return 0


if __name__ == "__main__":
    run_main(main)
