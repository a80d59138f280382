"""The benchmark's arithmetic: which numbers the rounds give, and when a target is met."""

from __future__ import annotations

import pytest

import dataset
import figures
import plot
import results
from contenders import (
    CHECKED_MISS_FLOOR,
    FLOOR,
    LESSON,
    OURS,
    PASSING_FLOOR,
    QUERY_FLOOR,
    ROW_FLOOR,
)
from crowds import MISSING, WARM
from fresh import HERD
from load import Crowd
from rounds import PACED_MS
from samples import WHOLE, Key, Samples, Summary, differences, ratios, summary
from scenarios import (
    DIRECT,
    HIT_ASCII_LARGE,
    HIT_LARGE,
    HIT_SMALL,
    MISS,
    PASSED,
    QUERY,
    QUERY_MISS,
    ROW,
    scenarios,
)
from shared_cache import BEHIND
from targets import TARGETS, Target, verdict, verdicts


def samples_of(*rows: tuple[str, str, int, str, list[float]]) -> Samples:
    """Return a run's values."""
    samples = Samples()
    for scenario, worker, connections, metric, values in rows:
        for value in values:
            samples.add(Key(scenario, worker, connections, metric), value)
    return samples


def target_named(part: str) -> Target:
    """Return the target whose title has the part."""
    return next(target for target in TARGETS if part in target.title)


def test_a_summary_is_the_median_and_the_extremes() -> None:
    """One bad round moves the spread, not the median."""
    found = summary([10, 100, 11])
    assert found == Summary(11, 10, 100)
    assert found.spread == pytest.approx(90 / 2 / 11)


def test_without_samples_there_is_no_summary() -> None:
    """If nothing was measured, there is no number: zero would be wrong."""
    assert summary([]) is None
    assert summary([0.0]) == Summary(0, 0, 0)


def test_ratios_are_taken_within_a_round() -> None:
    """A slow round of the machine halves both sides and leaves the ratio."""
    assert ratios([100, 50], [50, 25]) == [2, 2]
    assert ratios([100], []) == []
    assert ratios([100], [0]) == []
    assert differences([3, 4], [1, 1]) == [2, 3]


def test_throughput_has_to_reach_its_target() -> None:
    """The median of the rounds' ratios is compared with the target."""
    samples = samples_of(
        (HIT_LARGE, OURS, 4, "per_second", [100, 600, 500]),
        (HIT_LARGE, LESSON, 4, "per_second", [100, 100, 100]),
    )
    found = verdict(target_named("hit 5 MB"), samples)
    assert found.met is True
    assert found.measured == Summary(5, 1, 6)


def test_a_row_is_compared_with_its_own_floor() -> None:
    """The table's floor reads metadata, so it is not used for rows."""
    samples = samples_of(
        (ROW, OURS, 4, "per_second", [450]),
        (ROW, ROW_FLOOR, 4, "per_second", [500]),
        (ROW, FLOOR, 4, "per_second", [600]),
    )
    found = verdict(target_named("hit of a row"), samples)
    assert found.met is True
    assert found.measured == Summary(0.9, 0.9, 0.9)


def test_what_a_miss_adds_is_compared_without_supabases_own_time() -> None:
    """Supabase takes 2 ms of either time, so 5 ms and 4 ms give a ratio of 1.5."""
    samples = samples_of(
        (MISS, OURS, 1, PACED_MS, [5]),
        (MISS, CHECKED_MISS_FLOOR, 1, PACED_MS, [4]),
        (MISS, DIRECT, 1, PACED_MS, [2]),
    )
    found = verdict(target_named("miss 100 KB"), samples)
    assert found.word == "not met"
    assert found.measured == Summary(1.5, 1.5, 1.5)


def test_ascii_is_compared_with_the_floor() -> None:
    """It is the best case of the lesson, and no stream is five times as fast as that."""
    samples = samples_of(
        (HIT_ASCII_LARGE, OURS, 4, "per_second", [90]),
        (HIT_ASCII_LARGE, FLOOR, 4, "per_second", [100]),
        (HIT_ASCII_LARGE, LESSON, 4, "per_second", [90]),
    )
    assert verdict(target_named("5 MB of ASCII"), samples).word == "met"


def test_a_query_is_compared_with_its_own_floor() -> None:
    """The other floors answer with other entries, so they are not used here."""
    samples = samples_of(
        (QUERY, OURS, 4, "per_second", [440]),
        (QUERY, QUERY_FLOOR, 4, "per_second", [500]),
    )
    assert verdict(target_named("query of 4 KB"), samples).word == "not met"


def test_a_querys_miss_has_a_bound_of_its_own() -> None:
    """The bound for misses of rows does not change the bound for misses of queries."""
    samples = samples_of(
        (QUERY_MISS, OURS, 1, PACED_MS, [8]),
        (QUERY_MISS, CHECKED_MISS_FLOOR, 1, PACED_MS, [5]),
        (QUERY_MISS, DIRECT, 1, PACED_MS, [1]),
        (MISS, OURS, 1, PACED_MS, [2]),
    )
    assert verdict(target_named("query miss"), samples).measured == Summary(1.75, 1.75, 1.75)


def test_what_passes_is_compared_with_a_worker_that_only_passes_on() -> None:
    """The floor adds 1 ms to Supabase's own time, and ours 1.25 ms."""
    samples = samples_of(
        (PASSED, OURS, 1, PACED_MS, [1.5]),
        (PASSED, PASSING_FLOOR, 1, PACED_MS, [1.25]),
        (PASSED, DIRECT, 1, PACED_MS, [0.25]),
    )
    found = verdict(target_named("passed on"), samples)
    assert found.measured == Summary(1.25, 1.25, 1.25)
    assert found.word == "not met"
    assert next(figures.lines(samples)).startswith("6.00 (6.00 to 6.00)")


def test_what_crowds_got_is_told_where_it_was_measured() -> None:
    """Scenarios that were not measured have no line."""
    samples = samples_of(
        (WARM, OURS, WHOLE, "fresh_s", [0.5]),
        (MISSING, OURS, 50, "per_second", [100, 120]),
        (MISSING, OURS, 50, "passed_share", [0.25]),
    )
    first, *_, last = figures.lines(samples)
    assert first.startswith("0.50 s (0.50 to 0.50)")
    assert last.split() == [*MISSING.split(), "50", "ms", "50", "110", "0", "0", "0%", "25%"]


def test_a_shared_cache_is_compared_in_front_of_both_and_with_none() -> None:
    """The results also show how often the shared cache asked the Worker, and what that cost."""
    samples = samples_of(
        (BEHIND, OURS, 4, "per_second", [3000]),
        (BEHIND, LESSON, 4, "per_second", [2000]),
        (BEHIND, LESSON, 4, "sent_kb", [300]),
        (HIT_SMALL, OURS, 4, "per_second", [500]),
    )
    lines = [line for line in figures.lines(samples) if ")  " in line]
    told = {line.partition(")")[2].strip(): line.split()[0] for line in lines}
    assert told["that, to the lesson behind Varnish"] == "1.50"
    assert told["that, to ours without Varnish"] == "6.00"
    assert told["what the lesson sent"] == "300.00"


def test_a_crowds_answers_are_told_apart_by_cache_status() -> None:
    """Each share is a share of all answers."""
    crowd = Crowd(1, 1, 1, {"edge; fwd=stale; detail=supabase-slow": 1, "edge; hit; ttl=N": 3})
    assert crowd.share("fwd=stale; detail") == pytest.approx(0.25)
    assert crowd.share("fwd=bypass") == 0


def test_memory_above_its_bound_misses_the_target() -> None:
    """The peak is counted from the memory of the idle process."""
    samples = samples_of(
        ("refresh 5 MB", OURS, WHOLE, "idle_mb", [200]),
        ("refresh 5 MB", OURS, WHOLE, "peak_mb", [350]),
    )
    found = verdict(target_named("refreshed"), samples)
    assert found.word == "not met"
    assert found.target.wanted == "< 128 MB"


def test_a_herds_memory_is_what_it_adds() -> None:
    """A process that is larger at rest does not miss the target for that."""
    samples = samples_of(
        (HERD, OURS, WHOLE, "idle_mb", [250]),
        (HERD, OURS, WHOLE, "peak_mb", [360]),
        (HERD, CHECKED_MISS_FLOOR, WHOLE, "idle_mb", [200]),
        (HERD, CHECKED_MISS_FLOOR, WHOLE, "peak_mb", [300]),
    )
    found = verdict(target_named("300 cold readers"), samples)
    assert found.word == "met"
    assert found.measured == Summary(1.1, 1.1, 1.1)


def test_what_a_machine_cannot_measure_is_said() -> None:
    """If a number could not be measured, the results say so and do not judge it."""
    assert {one.word for one in verdicts(Samples())} == {"not measured"}


def test_tables_have_the_sizes_that_the_scenarios_name() -> None:
    """All rows have the same length, so that the upstream can cut pages without parsing."""
    for table in dataset.TABLES:
        assert len(table.body) == table.rows * (dataset.ROW_BYTES + 1) + 1
        assert table.body.isascii() is table.ascii_only
    assert len(dataset.SMALL.body) == pytest.approx(100 * 1024, rel=0.01)
    assert len(dataset.MEDIUM.body) == pytest.approx(1024**2, rel=0.01)
    assert len(dataset.LARGE.body) == pytest.approx(5 * 1024**2, rel=0.01)
    assert len(dataset.large_row()) == dataset.LARGE_ROW_BYTES
    for edition in (0, 1):
        assert len(dataset.listed(edition)) == pytest.approx(4 * 1024, rel=0.02)
    assert dataset.listed(0) != dataset.listed(1)


def test_every_target_can_be_measured() -> None:
    """Each Worker that a ratio needs takes part in the ratio's scenario."""
    workers = {scenario.name: scenario.workers for scenario in scenarios()}
    assert {OURS, LESSON, FLOOR} <= set(workers[HIT_LARGE])
    assert {OURS, ROW_FLOOR} <= set(workers[ROW])
    assert {OURS, FLOOR} <= set(workers[HIT_ASCII_LARGE])
    assert {OURS, CHECKED_MISS_FLOOR, DIRECT} <= set(workers[MISS])
    assert {OURS, QUERY_FLOOR} <= set(workers[QUERY])
    assert {OURS, CHECKED_MISS_FLOOR, DIRECT} <= set(workers[QUERY_MISS])
    assert {OURS, PASSING_FLOOR, DIRECT} <= set(workers[PASSED])


def test_results_have_a_line_for_each_worker_and_number_of_connections() -> None:
    """Each line has the median of each metric, so that a new run makes a short diff."""
    samples = samples_of(
        (ROW, OURS, 4, "per_second", [300.06, 100, 200.04]),
        (ROW, OURS, 4, "p50_ms", [2]),
        (ROW, OURS, 32, "p50_ms", [9]),
    )
    lines = results.as_text({"date": "2026-11-26", "medians": results.medians(samples)}).split("\n")
    assert lines[1:-2] == [
        '"date": "2026-11-26",',
        '"medians": [',
        (
            '  {"scenario": "row", "worker": "ours", "connections": 4,'
            ' "per_second": 200.0, "p50_ms": 2.0},'
        ),
        '  {"scenario": "row", "worker": "ours", "connections": 32, "p50_ms": 9.0}',
        "]",
    ]


def test_the_plot_shows_the_ratios_at_four_connections() -> None:
    """The table has the ratios at other numbers of connections."""
    ratio = {"scenario": ROW, "to": "lesson", "low": 0.4, "high": 0.5}
    drawn = plot.drawing(
        {
            "throughput_of_ours": [
                {**ratio, "connections": 4, "median": 0.45},
                {**ratio, "connections": 32, "median": 0.49},
            ]
        }
    )
    assert ">0.45</text>" in drawn
    assert "0.49" not in drawn
