"""The command line. The secret is never on it, because every user of a machine can see it there."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from shared.project import ROOT

DESCRIPTION = """
Says what is missing between this clone and a working production. It asks the Supabase project,
and with --worker also the deployed Worker, and prints a line for each thing that it checked. It
changes nothing except the cache: it reads each declared table and one row of it through the Worker,
and sends the Worker a webhook for one row, as if that row had changed.
"""

EPILOG = """
REVALIDATE_SECRET is read from the environment or .dev.vars, never from an argument. Exit status: 0
if nothing fails, 1 if something fails, 2 for wrong usage.
"""

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

_UNKNOWN = (
    "there is an option or a value that this command does not know. If it is the secret: do not"
    " pass it as an argument, because every user of this machine can see those. Put"
    " REVALIDATE_SECRET into .dev.vars or into the environment."
)


@dataclass(frozen=True, slots=True)
class Arguments:
    """The options; None if one is not given. ``worker`` has no trailing slash."""

    config: Path
    environment: str | None
    url: str | None
    key: str | None
    worker: str | None


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = argparse.ArgumentParser(
        prog="npm run doctor --", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False
    )
    found.add_argument(
        "--worker",
        metavar="URL",
        help="the deployed Worker's address, with the prefix of its cache",
    )
    found.add_argument("--env", metavar="NAME", help="an environment of wrangler.toml")
    found.add_argument(
        "--url", help="the project's URL; default: $SUPABASE_URL, .dev.vars, wrangler.toml"
    )
    found.add_argument(
        "--key", help="its public key; default: $SUPABASE_ANON_KEY, .dev.vars, wrangler.toml"
    )
    found.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=ROOT / "wrangler.toml",
        help="another wrangler.toml; .dev.vars is read from the same folder",
    )
    return found


def parsed(words: list[str]) -> Arguments:
    """Return the command line's options; exit with status 2 and a sentence if they are wrong."""
    reader = parser()
    given, unknown = reader.parse_known_args(words)
    if unknown:  # argparse would print it, and it may be the secret
        reader.error(_UNKNOWN)
    if given.worker is not None and not _is_address(given.worker):
        reader.error(
            "--worker should be an address, such as https://cache.example.workers.dev. http:// is"
            " allowed only for this machine, because the secret is sent there"
        )
    worker = given.worker.rstrip("/") if given.worker else None
    return Arguments(given.config, given.env, given.url, given.key, worker)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or parts.hostname in _LOCAL_HOSTS
    has_more = parts.query or parts.fragment or "@" in url
    return parts.scheme in {"http", "https"} and is_safe and bool(parts.hostname) and not has_more
