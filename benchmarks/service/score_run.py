"""Scores by id, inline, and with reasons: closed loops, and an open one at fixed rates."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.features.measuring import Json
from benchmarks.service import calls
from benchmarks.service.load import closed_loop, open_loop
from benchmarks.service.measured import WORKERS, measured
from benchmarks.service.workspace import asked_about, copied, events_of
from serving.api.serve import running_service

CONNECTIONS = (1, 16, 64)
RATES = (100, 200, 300, 400, 600)
"""Calls a second of the open loop, over 16 connections; the last is the target."""
_WARMING_SECONDS = 3.0


def score(cache: Path, seconds: float) -> Iterator[Json]:
    """Yield latency and throughput, a row a kind of call, number of connections, and rate."""
    with copied(cache) as workspace, running_service(workspace, workers=WORKERS) as url:
        ids = asked_about(workspace)
        by_id = calls.scores_by_id(url, ids)
        kinds = {
            "score by id": by_id,
            "score inline": calls.scores_inline(url, events_of(workspace), ids[:50]),
            "score by id with reasons": calls.scores_by_id(url, ids, explain=True),
        }
        closed_loop(url, by_id, 16, _WARMING_SECONDS)
        for name, requests in kinds.items():
            for connections in CONNECTIONS:
                run = partial(closed_loop, url, requests, connections, seconds)
                yield measured(name, connections, run)
        for rate in RATES:
            run = partial(open_loop, url, by_id, 16, seconds, rate)
            yield measured("score by id", 16, run) | {"rate": rate}
