"""Ten minutes of mixed load: memory that stays flat, latency that does not rise."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil

from benchmarks.features.measuring import Json
from benchmarks.service import calls
from benchmarks.service.load import open_loop
from benchmarks.service.measured import WORKERS
from benchmarks.service.workspace import asked_about, copied
from serving.api.serve import running_service

SOAK_SECONDS = 600.0
STRETCH_SECONDS = 60.0
RATE = 50
"""Calls a second: a load that leaves room, half of it scores by id, half of it events."""
CONNECTIONS = 16


def soak(cache: Path, seconds: float) -> Iterator[Json]:  # noqa: ARG001 -- as all parts
    """Yield latency and memory a minute, and how fast memory grew after the first."""
    with copied(cache) as workspace, running_service(workspace, workers=WORKERS) as url:
        ids = asked_about(workspace)
        by_id, events = calls.scores_by_id(url, ids), calls.events_posted(url, ids, 1)
        mixed = (request for pair in zip(by_id, events, strict=False) for request in pair)
        memory: list[float] = []
        for minute in range(1, round(SOAK_SECONDS / STRETCH_SECONDS) + 1):
            load = open_loop(url, mixed, CONNECTIONS, STRETCH_SECONDS, RATE)
            memory.append(memory_mb())
            row = {"minute": minute, **load.as_dict(), "memory_mb": round(memory[-1], 1)}
            print(f"  {row}", flush=True)
            yield row
        slope = np.polyfit(np.arange(1, len(memory)), memory[1:], 1)[0]
        yield {"minute": "MB a minute after the first", "memory_mb": round(float(slope), 2)}


def memory_mb() -> float:
    """Return what all processes of the service hold for themselves, in MB."""
    held = (process.memory_full_info().uss for process in psutil.Process().children(recursive=True))
    return sum(held) / 1e6
