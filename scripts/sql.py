"""`npm run --silent sql`: prints the SQL script that sends changes of your tables to the Worker.

The script is for what src/tables.toml declares: run it again after you change that.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from shared import declarations, edge_sql, migrations
from shared.failure import run_main


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="npm run sql --", description=__doc__)
    parser.add_argument("--env", metavar="NAME", help="an environment of wrangler.toml")
    parser.add_argument(
        "--remove", action="store_true", help="print the script that removes everything again"
    )
    parser.add_argument(
        *("--out", "-o"),
        type=Path,
        help="write it to this file, which ends in .sql, or to this folder of migrations",
    )
    return parser.parse_args()


def main() -> int:
    """Print the script, or write it to a file."""
    asked = parse_arguments()
    if asked.remove:
        name, script = migrations.REMOVING, edge_sql.removing()
    else:
        declarations.warn_of_old_way()
        name, script = migrations.INSTALLING, edge_sql.installing(declarations.read(asked.env))
    if asked.out is None:
        print(script, end="")
    elif migrations.is_current(asked.out, script):
        print(f"The newest migration in {asked.out} is this script already, so none was written.")
    else:
        path = migrations.target(asked.out, name, datetime.now(UTC))
        migrations.write(path, script)
        print(f"Wrote {path}: run it in the SQL editor, or push it with `npx supabase db push`.")
    return 0


if __name__ == "__main__":
    run_main(main)
