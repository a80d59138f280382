"""`npm run --silent sql`: prints the script that has the database tell the Worker of changes.

It is made for [vars.TABLES] in wrangler.toml: run it again whenever that has changed.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from shared import declarations, edge_sql
from shared.failure import Failure, run_main


def parse_arguments() -> argparse.Namespace:
    """Read what is asked for from the command line."""
    parser = argparse.ArgumentParser(prog="npm run sql --", description=__doc__)
    parser.add_argument("--env", metavar="NAME", help="take the tables of [env.NAME.vars.TABLES]")
    parser.add_argument("--remove", action="store_true", help="remove everything again")
    parser.add_argument(
        *("--out", "-o"),
        type=Path,
        help="a file that ends in .sql, or a folder of migrations, to write it to",
    )
    return parser.parse_args()


def target(out: Path, name: str, now: datetime) -> Path:
    """Return the file to write: the one that was named, or a new migration in a folder."""
    return out if out.suffix == ".sql" else out / f"{now:%Y%m%d%H%M%S}_{name}.sql"


def write(path: Path, script: str) -> None:
    """Write it to a file, whose folder need not be there. Raises Failure."""
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
