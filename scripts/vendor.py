"""Fills `python_modules/` with the Worker's packages.

`wrangler.toml` runs this before a build, so a bare `wrangler dev` or `wrangler deploy` works too.
"""

from setup import worker_packages
from shared.failure import run_main


def main() -> int:
    """Vendor when run by Wrangler."""
    worker_packages.vendor()
    return 0


if __name__ == "__main__":
    run_main(main)
