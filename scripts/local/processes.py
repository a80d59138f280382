"""Servers in the background: a process group and a log file each, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared import command
from shared.failure import Failure

GUARD = Path(__file__).with_name("guard.py")

POLL_S = 0.1
REQUEST_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Process:
    """A running server with all its children."""

    name: str
    log: Path
    popen: subprocess.Popen[bytes]

    @property
    def alive(self) -> bool:
        """Whether the server still runs."""
        return self.popen.poll() is None

    def log_tail(self) -> str:
        """Return the last lines that the server wrote."""
        return command.tail(self.log.read_text(errors="replace"))

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the server: ask its whole group, then kill what is left of it."""
        self._signal(signal.SIGTERM)
        try:
            self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._signal(signal.SIGKILL)
            self.popen.wait()

    def kill(self) -> None:
        """End the server and its children at once, as a crash would."""
        self._signal(signal.SIGKILL)
        self.popen.wait()

    def wait_until_answering(
        self, url: str, *, deadline_s: float, headers: Mapping[str, str] | None = None
    ) -> None:
        """Return once the URL gives any answer; stop the server and raise Failure otherwise."""
        ends = time.monotonic() + deadline_s
        try:
            while not _answers(url, headers or {}):
                self._check(ends, deadline_s)
                time.sleep(POLL_S)
        except BaseException:
            self.stop()
            raise

    def _check(self, ends: float, deadline_s: float) -> None:
        if not self.alive:
            raise Failure(f"{self.log_tail()}\n\n{self.name} ended while starting; see {self.log}.")
        if time.monotonic() > ends:
            raise Failure(
                f"{self.log_tail()}\n\n{self.name} did not answer within {deadline_s:.0f} s;"
                f" see {self.log}."
            )

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.popen.pid, number)
        except (ProcessLookupError, PermissionError):
            # All gone. macOS says "not permitted" of a group that is only zombies.
            return


def spawn(
    name: str, arguments: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str], log: Path
) -> Process:
    """Start a server whose output goes to a new log file, guarded against being orphaned."""
    log.parent.mkdir(parents=True, exist_ok=True)
    guarded = [sys.executable, GUARD, str(os.getpid()), *arguments]
    with log.open("wb") as output:
        popen = subprocess.Popen(
            guarded,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Process(name, log, popen)


def _answers(url: str, headers: Mapping[str, str]) -> bool:
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - always http
    try:
        with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_S):  # noqa: S310 - as above
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
