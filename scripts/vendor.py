"""Fills `python_modules/` with the Worker's packages.

`wrangler.toml` runs this before each build, so `wrangler dev` and `wrangler deploy` work too. So it
is also the place for a warning that concerns each deployment.
"""

import sys

from setup import worker_packages
from shared.declarations import old_way
from shared.failure import run_main
from shared.project import ROOT


def main() -> int:
    """Install the packages if they are not current."""
    worker_packages.vendor()
    if warning := old_way(ROOT / "wrangler.toml"):
        print(warning, file=sys.stderr)
    return 0


if __name__ == "__main__":
    run_main(main)
