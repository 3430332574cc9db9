"""What is measured: each part yields its readings, one row of a table each."""

from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.features.measuring import Json
from benchmarks.service.agreement import agreement
from benchmarks.service.ingest_run import ingest
from benchmarks.service.kills import kill
from benchmarks.service.peers import peers
from benchmarks.service.score_run import score
from benchmarks.service.soak import soak

Part = Callable[[Path, float], Iterator[Json]]
PARTS: dict[str, Part] = {
    "score": score,
    "ingest": ingest,
    "peers": peers,
    "agreement": agreement,
    "kill": kill,
    "soak": soak,
}
