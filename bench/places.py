"""Where the benchmark keeps things."""

from shared.project import CACHE, ROOT

BENCH = ROOT / "bench"
SOURCES = BENCH / "worker_sources"
WORK = ROOT / ".local" / "bench"
PLOT_PACKAGES = CACHE / "bench-packages"

RESULTS = BENCH / "results.json"
PLOT = BENCH / "results.svg"
