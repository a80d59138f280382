"""Results that are worth knowing but have no target. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from contenders import CHECKED_MISS_FLOOR, LESSON, MISS_FLOOR, OURS
from crowds import CROWDS, DELAY_S, MISSING, OUTDATED, QUERIES, SLOW, SLOW_S, WARM
from edited_articles import KINDS
from edits import EDITED, hit_share, old_share, scenario
from fresh import HERD
from fresh import READERS as HERD_READERS
from outbox import ARTICLES
from rounds import PACED_MS
from samples import WHOLE, Samples, Summary, ratios, summary
from scenarios import DIRECT, HIT_SMALL, MISS, PASSED, QUERY, QUERY_MISS, SESSION
from shared_cache import BEHIND, READERS
from targets import CONNECTIONS, above_idle_mb, added

_DELAYS_S = {MISSING: DELAY_S, OUTDATED: DELAY_S, SLOW: SLOW_S}


@dataclass(frozen=True)
class Figure:
    """A result, with one value for each round."""

    title: str
    values: Callable[[Samples], Sequence[float]]
    unit: str = ""

    def of(self, samples: Samples) -> Summary | None:
        """Return the summary of the rounds, or None if nothing was measured."""
        return summary(self.values(samples))


def _whole(scenario: str, metric: str) -> Callable[[Samples], Sequence[float]]:
    return lambda samples: samples.of(scenario, OURS, WHOLE, metric)


def _behind(worker: str, metric: str) -> Callable[[Samples], Sequence[float]]:
    return lambda samples: samples.of(BEHIND, worker, READERS, metric)


FIGURES = (
    Figure(
        f"{HERD_READERS} cold readers of 5 MB at once: peak memory above idle",
        lambda samples: above_idle_mb(samples, HERD),
        " MB",
    ),
    Figure(
        "that, of the floor of a miss",
        lambda samples: above_idle_mb(samples, HERD, MISS_FLOOR),
        " MB",
    ),
    Figure(
        "that, of the floor of a checked miss",
        lambda samples: above_idle_mb(samples, HERD, CHECKED_MISS_FLOOR),
        " MB",
    ),
    Figure(
        "miss 100 KB: time added to Supabase's own, to what the floor of a miss adds",
        added(MISS, MISS_FLOOR),
    ),
    Figure(
        "query miss: time added to Supabase's own, to what the floor of a miss adds",
        added(QUERY_MISS, MISS_FLOOR),
    ),
    Figure(
        "a read passed on: time of an answer, to Supabase itself",
        lambda samples: ratios(
            samples.of(PASSED, OURS, 1, PACED_MS), samples.of(PASSED, DIRECT, 1, PACED_MS)
        ),
    ),
    Figure(
        "hits of a query with a session: answers a second at 4 connections, to those without",
        lambda samples: ratios(
            samples.of(SESSION, OURS, CONNECTIONS, "per_second"),
            samples.of(QUERY, OURS, CONNECTIONS, "per_second"),
        ),
    ),
    Figure(f"{QUERIES} queries fresh in KV after a webhook", _whole(WARM, "fresh_s"), " s"),
    Figure("reads of Supabase for that", _whole(WARM, "reads")),
    Figure("keys of KV written or removed for that", _whole(WARM, "writes")),
    Figure(f"{BEHIND}: answers a second", _behind(OURS, "per_second")),
    Figure(
        "that, to the lesson behind Varnish",
        lambda samples: ratios(
            _behind(OURS, "per_second")(samples), _behind(LESSON, "per_second")(samples)
        ),
    ),
    Figure(
        "that, to ours without Varnish",
        lambda samples: ratios(
            _behind(OURS, "per_second")(samples),
            samples.of(HIT_SMALL, OURS, READERS, "per_second"),
        ),
    ),
    Figure("of those, requests that reached ours", _behind(OURS, "asked")),
    Figure("requests that reached the lesson behind Varnish", _behind(LESSON, "asked")),
    Figure("what ours sent", _behind(OURS, "sent_kb"), " KB"),
    Figure("what the lesson sent", _behind(LESSON, "sent_kb"), " KB"),
)


def lines(samples: Samples) -> Iterator[str]:
    """Return a line for each figure, then a table of the crowds."""
    for figure in FIGURES:
        found = figure.of(samples)
        if found:
            shown = f"{found.median:.2f}{figure.unit} ({found.low:.2f} to {found.high:.2f})"
            yield f"{shown:26}  {figure.title}"
    yield ""
    yield (
        f"{'queries of a crowd':24}{'Supabase':>10}{'readers':>9}{'answers/s':>11}{'p50 ms':>9}"
        f"{'longest ms':>12}{'stale':>7}{'passed on':>11}"
    )
    for name, delay_s in _DELAYS_S.items():
        for readers in CROWDS:
            yield from _crowd(samples, name, readers, delay_s)


def _crowd(samples: Samples, name: str, readers: int, delay_s: float) -> Iterator[str]:
    def of(metric: str) -> float:
        found = summary(samples.of(name, OURS, readers, metric))
        return found.median if found else 0.0

    if of("per_second"):
        yield (
            f"{name:24}{f'{delay_s * 1000:.0f} ms':>10}{readers:>9}{of('per_second'):>11.0f}"
            f"{of('p50_ms'):>9.0f}{of('longest_ms'):>12.0f}{of('stale_share'):>7.0%}"
            f"{of('passed_share'):>11.0%}"
        )


def edits(samples: Samples) -> Iterator[str]:
    """Return a table of the shares of hits, and of old answers while articles are edited."""
    titles = "".join(f"{edited:>10}" for edited in EDITED)
    yield f"{'hits while … is edited':24}{'':8}{titles}{'old answers':>13}"
    metrics = [*map(hit_share, EDITED), old_share(ARTICLES)]
    for kind in KINDS:
        for worker in (OURS, LESSON):
            found = [samples.of(scenario(kind), worker, WHOLE, metric) for metric in metrics]
            if all(found):
                *hits, old = (f"{median(values):.1%}" for values in found)
                shown = "".join(f"{share:>10}" for share in hits)
                yield f"{kind.name:24}{worker:8}{shown}{old:>13}"
