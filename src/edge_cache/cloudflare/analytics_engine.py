"""Writes what was counted to Analytics Engine, if the Worker has the binding `DATASET`.

Writes need no waiting, and one call takes 20 blobs, 20 doubles and one index:
https://developers.cloudflare.com/analytics/analytics-engine/limits/
"""

from __future__ import annotations

import json
from itertools import islice

from pyodide.ffi import JsException

from edge_cache.cloudflare.javascript import JS
from edge_cache.cloudflare.runtime import environment, has, log
from edge_cache.traffic import Counted, Sum, Sums

DATASET = "TRAFFIC"

MOST_POINTS = 250
"""One request of the Worker may write so many data points."""

_INDEX_BYTES = 96


def record(sums: Sums) -> None:
    """Write a data point for each sum. The points that are too many, or fail, are lost."""
    env = environment()
    if not has(env, DATASET, "writeDataPoint"):
        return
    dataset = getattr(env, DATASET)
    try:
        for key, sum_ in islice(sums.items(), MOST_POINTS):
            dataset.writeDataPoint(JS.parse(json.dumps(_point(key, sum_))))
    except JsException as error:
        log("count_failed", type="analytics-engine", detail=str(error))


def _point(key: Counted, sum_: Sum) -> dict[str, object]:
    index = key.target.encode()[:_INDEX_BYTES].decode(errors="ignore")
    return {"indexes": [index], "blobs": [*key], "doubles": [*sum_]}
