"""One row of a table: a load, and what the service worked for it."""

from collections.abc import Callable

import psutil

from benchmarks.features.measuring import Json
from benchmarks.service.load import Load

WORKERS = 2
"""Of the service and of its peers: one for each core that they share with the load."""


def measured(name: str, connections: int, run: Callable[[], Load]) -> Json:
    """Return what a load found, and what processes of ours but this one worked for a call."""
    busy = cpu_seconds()
    load = run()
    spent = (cpu_seconds() - busy) * 1000 / max(1, len(load.latencies_ms))
    found = {"call": name, "connections": connections, **load.as_dict(), "cpu_ms": round(spent, 2)}
    print(f"  {found}", flush=True)
    return found


def cpu_seconds() -> float:
    """Return what children have worked so far: it tells more than time on a busy machine."""
    spent = (process.cpu_times() for process in psutil.Process().children(recursive=True))
    return sum(times.user + times.system for times in spent)
