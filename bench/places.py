"""Where the benchmark keeps things."""

from shared.project import ROOT

BENCH = ROOT / "bench"
SOURCES = BENCH / "worker_sources"
WORK = ROOT / ".local" / "bench"

RESULTS = BENCH / "results.json"
PLOT = BENCH / "results.svg"
