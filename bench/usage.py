"""The processor time and memory that a workerd process has used, from Linux's /proc.

Other systems do not have these files. There, these columns of the results stay empty.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_RESET_PEAK = "5"
"""Written to `clear_refs`, this sets the peak (VmHWM) to the resident memory; see proc(5)."""

# Fields of /proc/PID/stat, counted from the first one after the command's name.
_GROUP, _USER_TIME, _SYSTEM_TIME = 2, 11, 12


@dataclass(frozen=True)
class Usage:
    """The files of one process."""

    folder: Path

    def cpu_ms(self) -> float:
        """Return the user and system time of all threads since the start."""
        fields = _stat(self.folder)
        ticks = int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])
        return ticks * 1000 / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        """Return the resident memory, in units of 10^6 bytes."""
        return self._status_mb("VmRSS")

    def peak_mb(self) -> float:
        """Return the peak of the resident memory since the start, or since `reset_peak`."""
        return self._status_mb("VmHWM")

    def reset_peak(self) -> None:
        """Set the peak to the memory of now."""
        (self.folder / "clear_refs").write_text(_RESET_PEAK)

    def _status_mb(self, name: str) -> float:
        lines = (self.folder / "status").read_text().splitlines()
        line = next(line for line in lines if line.startswith(f"{name}:"))
        return int(line.split()[1]) * 1024 / 1e6


def usage_of(command: str, *, group: int) -> Usage | None:
    """Return the process of this name in a process group, or None if /proc does not show it."""
    if sys.platform != "linux":
        return None
    for folder in _PROC.iterdir():
        if folder.name.isdecimal() and _is(folder, command, group):
            return Usage(folder)
    return None


def _is(folder: Path, command: str, group: int) -> bool:
    try:
        return (
            int(_stat(folder)[_GROUP]) == group and (folder / "comm").read_text().strip() == command
        )
    except OSError:
        return False  # it has ended


def _stat(folder: Path) -> list[str]:
    return (folder / "stat").read_text().rpartition(")")[2].split()
