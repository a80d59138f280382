"""The command line of `npm start`."""

import argparse
import os
from collections.abc import Sequence

from local.stack import port_in_use
from shared import npm_options
from shared.failure import Failure

DESCRIPTION = """
Runs the Worker on this machine until Ctrl-C, in front of a Supabase that it brings along, with the
schema of supabase/. With --project, the Worker runs in front of your own project. Both keep their
data in .local/: delete this folder to start without data.
"""

MAX_PORT = 65535


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """Return the options. Ports may also be in the environment. Raises Failure."""
    parser = argparse.ArgumentParser(prog="npm start --", description=DESCRIPTION)
    ports = (("--port", "PORT", "8787"), ("--supabase-port", "SUPABASE_PORT", "54321"))
    for option, variable, default in ports:
        value = os.environ.get(variable, default)
        parser.add_argument(
            option, type=int, default=value, help=f"or ${variable}; default: {value}"
        )
    parser.add_argument(
        "--project",
        action="store_true",
        help="run in front of the Supabase project that .dev.vars names, without a local database",
    )
    parser.add_argument(
        "--cache-path",
        default="",
        metavar="/PATH",
        help="where the cache is, if src/entry.py says so and has routes of its own beside it",
    )
    return npm_options.parsed(parser, words)


def check_ports(given: argparse.Namespace) -> None:
    """Raise Failure if a port is none, or if another program uses it."""
    if given.project:
        return _check_port(given.port, "--port")
    if given.port == given.supabase_port:
        raise Failure("--port and --supabase-port are the same: choose two different ones.")
    _check_port(given.supabase_port, "--supabase-port")
    return _check_port(given.port, "--port")


def _check_port(port: int, option: str) -> None:
    """Raise Failure if this is not a port, or if another program uses it."""
    if not 0 < port <= MAX_PORT:
        raise Failure(f"{option} {port} is not a port: choose one from 1 to {MAX_PORT}.")
    if port_in_use(port):
        raise Failure(
            f"Port {port} is in use, perhaps by another `npm start`, `wrangler dev` or"
            f" `supabase start`. Stop that program, or choose another port with"
            f" `npm start -- {option} {port + 100 if port + 100 <= MAX_PORT else port - 100}`."
        )
