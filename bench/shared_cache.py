"""What a shared cache in front of a Worker achieves: Varnish in front of ours and of the lesson's.

It keeps an answer of both for a second, which is the shortest time. The lesson's answers have no
header for shared caches, so Varnish is configured to keep them, as its owner would do.
"""

import json
import subprocess

import dataset
import rest_reads
from contenders import LESSON, OURS
from fresh import started
from load import Target, probe
from local import varnish
from samples import Key, Samples
from scenarios import CONNECTIONS, Scenario
from serving import TABLE_KEY
from shared.failure import Failure
from stage import Stage

BEHIND, QUERY_BEHIND = "100 KB behind Varnish", "query behind Varnish"
READERS = CONNECTIONS[1]

_SECONDS = 3.0
"""Three times as long as an answer is kept, so that Varnish asks again."""

_VARIABLES = {OURS: {"SHARED_MAX_AGE_SECONDS": "1"}, LESSON: {}}
_VCL = {
    OURS: "",
    LESSON: """sub vcl_backend_response {
        set beresp.http.CDN-Cache-Control = "max-age=1";
    }""",
}

_REQUESTS, _BYTES = "MAIN.backend_req", "VBE.boot.default.beresp_bodybytes"
_MOST_ASKED = 2 * _SECONDS
"""If a Worker is asked more often, Varnish does not cache its answers."""


def measure_shared(stage: Stage, samples: Samples) -> None:
    """Add one value of each of these metrics for both Workers, if there is Varnish."""
    varnishd = varnish.program()
    if varnishd is None:
        print("Not measured behind a shared cache: there is no Varnish (apt-get install varnish).")
        return
    table = Scenario(BEHIND, (OURS, LESSON), dataset.SMALL.body)
    query = Scenario(
        QUERY_BEHIND,
        (OURS,),
        dataset.listed(),
        path=rest_reads.PATH,
        headers=rest_reads.HEADERS,
    )
    for scenario in (table, query):
        for worker in scenario.workers:
            _measure(stage, samples, scenario, worker, varnishd)


def _measure(
    stage: Stage, samples: Samples, scenario: Scenario, worker: str, varnishd: str
) -> None:
    """Measure a burst, how often the Worker was asked, and the bytes that it sent."""
    stage.supabase.serve(scenario.table)
    with started(stage, worker, _VARIABLES[worker]) as server:
        server.put(TABLE_KEY, stage.entry(worker, scenario.table))
        cache = varnish.start(varnishd, server.url, stage.work / "varnish", more=_VCL[worker])
        try:
            target = Target(worker, cache.url, scenario, scenario.headers_for(worker))
            expected = probe(target)
            asked, sent = _counted(cache)
            burst = stage.load.burst(target, expected, connections=READERS, seconds=_SECONDS)
            asked_after, sent_after = _counted(cache)
        finally:
            cache.process.stop()
    if asked_after - asked > _MOST_ASKED:
        raise Failure(f'"{worker}" was asked {asked_after - asked} times behind Varnish.')
    for metric, value in (
        ("per_second", burst.per_second),
        ("asked", asked_after - asked),
        ("sent_kb", (sent_after - sent) / 1000),
    ):
        samples.add(Key(scenario.name, worker, READERS, metric), value)


def _counted(cache: varnish.SharedCache) -> tuple[int, int]:
    """Return how often the Worker was asked so far, and how many bytes of bodies it sent."""
    command = ["varnishstat", "-n", str(cache.state), "-j"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    counters = json.loads(done.stdout)["counters"]
    return counters[_REQUESTS]["value"], counters[_BYTES]["value"]
