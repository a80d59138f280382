"""`npm start`: runs an embedded Supabase, and the Worker in front of it, until Ctrl-C.

Both keep their data in `.local/start/`. Delete this folder to start without data.
"""

import argparse
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from local import cron
from local.ports import LOCALHOST
from local.processes import Process
from local.stack import (
    WORKER_DEADLINE_S,
    Listener,
    Supabase,
    Worker,
    port_in_use,
    spawn_worker,
    start_supabase,
)
from local.supabase_project import PUBLISHABLE_KEY, REVALIDATE_SECRET
from shared import declarations, edge_sql
from shared.failure import Failure, run_main
from shared.project import ROOT

STATE = ROOT / ".local" / "start"
POLL_S = 0.2
MAX_PORT = 65535

READY = """
The Worker answers on  {worker}
Supabase answers on    {supabase}

Open the Worker's address in a browser to watch it. Try these in another terminal:

  curl -i {worker}/articles

  curl -i "{worker}/rest/v1/articles?select=title,author:authors(name)" \\
    -H "apikey: {publishable_key}"

  curl -X PATCH "{supabase}/rest/v1/articles?id=eq.2" -H "apikey: {secret_key}" \\
    -H "content-type: application/json" -d '{{"title": "Cool second blog"}}'

  curl -i {worker}/revalidate -H "authorization: Bearer {secret}"

Below is the Worker's log. Ctrl-C stops everything.
"""


class Stopped(Exception):
    """Somebody pressed Ctrl-C, sent SIGTERM, or closed the terminal."""


def parse_arguments() -> argparse.Namespace:
    """Read the ports from the command line, or else from the environment."""
    parser = argparse.ArgumentParser(prog="npm start --", description=__doc__)
    ports = (("--port", "PORT", "8787"), ("--supabase-port", "SUPABASE_PORT", "54321"))
    for option, variable, default in ports:
        value = os.environ.get(variable, default)
        parser.add_argument(
            option, type=int, default=value, help=f"or ${variable}; default: {value}"
        )
    return parser.parse_args()


@contextmanager
def only_one() -> Iterator[None]:
    """Raise Failure if `npm start` already runs in this clone: both would use one database."""
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(
                "`npm start` already runs in this folder, and two would share one database. Stop"
                " the other one, or start the second in another clone."
            ) from None
        yield


def check_port(port: int, option: str) -> None:
    """Raise Failure if this is not a port, or if another program uses it."""
    if not 0 < port <= MAX_PORT:
        raise Failure(f"{option} {port} is not a port: choose one from 1 to {MAX_PORT}.")
    if port_in_use(port):
        raise Failure(
            f"Port {port} is in use, perhaps by another `npm start`, `wrangler dev` or"
            f" `supabase start`. Stop that program, or choose another port with"
            f" `npm start -- {option} {port + 100}`."
        )


def start_both(arguments: argparse.Namespace, running: list[Process]) -> tuple[Supabase, Worker]:
    """Start both, and add each to `running` as soon as it runs."""
    declared = declarations.read(None)
    print(f"Starting wrangler dev on port {arguments.port} …", flush=True)
    worker = spawn_worker(
        port=arguments.port,
        state=STATE / "worker",
        variables={
            "SUPABASE_URL": f"http://{LOCALHOST}:{arguments.supabase_port}",
            "SUPABASE_ANON_KEY": PUBLISHABLE_KEY,
            "REVALIDATE_SECRET": REVALIDATE_SECRET,
        },
        log=STATE / "worker.log",
    )
    running.append(worker.process)
    print(f"Starting Supabase Lite (PGlite) on port {arguments.supabase_port} …", flush=True)
    supabase = start_supabase(
        STATE / "supabase",
        arguments.supabase_port,
        exposed=declared.schemas,
        listener=Listener(edge_sql.installing(declared), worker.url, REVALIDATE_SECRET),
    )
    running.append(supabase.process)
    worker.process.wait_until_answering(f"{worker.url}/", deadline_s=WORKER_DEADLINE_S)
    cron.start(worker.url)
    return supabase, worker


def ready_text(supabase: Supabase, worker: Worker) -> str:
    """Return the commands to try, with URLs that are easy to type."""
    text = READY.format(
        worker=worker.url,
        supabase=supabase.url,
        publishable_key=supabase.publishable_key,
        secret_key=supabase.secret_key,
        secret=REVALIDATE_SECRET,
    )
    return text.replace(LOCALHOST, "localhost")


def follow(log: Path, running: list[Process]) -> None:
    """Show what the Worker logs from now on. Raises Failure if a server ends."""
    parent = os.getppid()
    # The start-up's own request is logged a moment after its answer, and should not be shown.
    time.sleep(POLL_S)
    with log.open(errors="replace") as lines:
        lines.seek(0, os.SEEK_END)
        while all(process.alive for process in running):
            sys.stdout.write(lines.read())
            sys.stdout.flush()
            if os.getppid() != parent:
                raise Stopped
            time.sleep(POLL_S)
    ended = next(process for process in running if not process.alive)
    raise Failure(f"{ended.log_tail()}\n\n{ended.name} ended by itself; its log is {ended.log}.")


def stop_on_signal(_number: int, _frame: FrameType | None) -> None:
    """Turn the first signal into an exception. A second Ctrl-C must not interrupt the stopping."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def main() -> int:
    """Run until stopped, if no other `npm start` runs here."""
    arguments = parse_arguments()
    with only_one():
        return serve(arguments)


def serve(arguments: argparse.Namespace) -> int:
    """Run both servers until stopped. Stop both, whatever happens."""
    check_port(arguments.supabase_port, "--supabase-port")
    check_port(arguments.port, "--port")
    if arguments.port == arguments.supabase_port:
        raise Failure("--port and --supabase-port are the same: choose two different ones.")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_on_signal)
    running: list[Process] = []
    try:
        supabase, worker = start_both(arguments, running)
        print(ready_text(supabase, worker), flush=True)
        follow(worker.process.log, running)
    except Stopped:
        print("\nStopping …", flush=True)
    finally:
        for process in reversed(running):
            process.stop()
    return 0


if __name__ == "__main__":
    run_main(main)
