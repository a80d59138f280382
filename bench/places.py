"""The benchmark's files and folders."""

from shared.project import ROOT

BENCH = ROOT / "bench"
SOURCES = BENCH / "worker_sources"
WORK = ROOT / ".local" / "bench"

RESULTS = BENCH / "results.json"
PLOT = BENCH / "results.svg"
