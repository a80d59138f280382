"""`npm run --silent sql`: prints the SQL script that sends changes of your tables to the Worker.

The script is for what src/tables.toml declares: run it again after you change that.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from shared import declarations, edge_sql
from shared.failure import Failure, run_main


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


def target(out: Path, name: str, now: datetime) -> Path:
    """Return the file to write: the named one, or a new migration in the named folder."""
    return out if out.suffix == ".sql" else out / f"{now:%Y%m%d%H%M%S}_{name}.sql"


def write(path: Path, script: str) -> None:
    """Write the script to a file, and make its folder if needed. Raises Failure."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.") from error
    print(f"Wrote {path}: run it in the SQL editor, or push it with `npx supabase db push`.")


def main() -> int:
    """Print the script, or write it to a file."""
    asked = parse_arguments()
    if asked.remove:
        name, script = "remove_edge_cache", edge_sql.removing()
    else:
        name, script = "edge_cache", edge_sql.installing(declarations.read(asked.env))
    if asked.out is None:
        print(script, end="")
    else:
        write(target(asked.out, name, datetime.now(UTC)), script)
    return 0


if __name__ == "__main__":
    run_main(main)
