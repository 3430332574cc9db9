"""Measure the service on a copy of a workspace: posting events, and scores by id.

Run it as `python -m benchmarks.service WORKSPACE`; with KEEPWORTH_STORE_URL it measures that store.
It takes about a minute, and ends by counting: every acknowledged event must be in the store once.
"""

import argparse
import asyncio
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from itertools import chain, count, cycle
from pathlib import Path

import psutil
from sqlalchemy import func, select

from benchmarks.service.load import Load, closed_loop, request
from serving.api.serve import running_service
from serving.store.tables import live_event
from serving.workspace import Workspace, open_workspace

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
BATCH_EVENTS = 100


def main() -> None:
    """Print one row a measurement, as a table in Markdown."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="keepworth-load-") as folder:
        shutil.copytree(arguments.workspace, Path(folder) / "copy")
        workspace = open_workspace(Path(folder) / "copy")
        ids = _some_customers(workspace)
        before = _stored(workspace)
        print(f"{workspace.store.backend}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
        print(
            "| call | connections | calls/s | events/s | p50 ms | p95 ms | p99 ms | "
            "CPU ms a call | not 200 |\n|---|---|---|---|---|---|---|---|---|"
        )
        acknowledged = 0
        with running_service(workspace) as url:
            for name, size, connections in _plan(arguments.only):
                made = _scores(url, ids) if size == 0 else _events(url, ids, size)
                busy = _cpu_seconds()
                load = asyncio.run(closed_loop(url, made, connections, arguments.seconds))
                acknowledged += load.statuses[200] * size
                _show(name, connections, size, load, _cpu_seconds() - busy)
        stored = _stored(workspace) - before
        print(f"\nacknowledged {acknowledged:,}, stored {stored:,}")
        if stored != acknowledged:
            raise SystemExit("an acknowledged event is missing, or one is there twice")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path, help="a workspace whose model serves")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--only", choices=["score", "event", "batch"], help="one kind of call")
    return parser.parse_args()


def _plan(only: str | None) -> Iterator[tuple[str, int, int]]:
    """Yield the kind of call, its number of events (0: it scores), and connections."""
    for name, size, connections in (
        *(("score", 0, 1), ("score", 0, 16)),
        *(("event", 1, 1), ("event", 1, 16), ("event", 1, 64)),
        *(("batch", BATCH_EVENTS, 1), ("batch", BATCH_EVENTS, 8)),
    ):
        if only in (None, name):
            yield name, size, connections


def _scores(url: str, ids: list[str]) -> Iterator[bytes]:
    bodies = [json.dumps({"customer_ids": [customer_id]}).encode() for customer_id in ids]
    return cycle(request(url, "/v1/score", "application/json", body) for body in bodies)


def _events(url: str, ids: list[str], size: int) -> Iterator[bytes]:
    """Yield events with ids that no run had before, of customers of the log in turn."""
    run, customers = uuid.uuid4().hex[:12], cycle(ids)
    kind = STRUCTURED if size == 1 else BATCH
    for first in count(step=size):
        events = [
            b'{"specversion":"1.0","id":"%s-%d","source":"/load","type":"keepworth.usage",'
            b'"subject":"%s","time":"2025-01-01T09:30:00Z","data":{"amount":3,"label":"data_gb"}}'
            % (run.encode(), number, next(customers).encode())
            for number in range(first, first + size)
        ]
        body = events[0] if size == 1 else b"[" + b",".join(events) + b"]"
        yield request(url, "/v1/events", kind, body)


def _some_customers(workspace: Workspace) -> list[str]:
    """Return customers with about 500 events of history, or the nearest to it that there are."""
    log = workspace.log()
    query = (
        "SELECT customer_id FROM read_parquet($files) GROUP BY ALL "
        "ORDER BY abs(count(*) - 500), customer_id LIMIT 200"
    )
    files = [str(path) for path in log.files("events")]
    return list(chain.from_iterable(log.query(query, {"files": files}).to_pydict().values()))


def _stored(workspace: Workspace) -> int:
    with workspace.store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(live_event)).scalar_one())


def _cpu_seconds() -> float:
    """Return what the service has worked so far: it tells more than time on a busy machine."""
    spent = (process.cpu_times() for process in psutil.Process().children(recursive=True))
    return sum(times.user + times.system for times in spent)


def _show(name: str, connections: int, size: int, load: Load, cpu_seconds: float) -> None:
    quantiles = " | ".join(f"{load.quantile_ms(share):.1f}" for share in (0.5, 0.95, 0.99))
    bad = sum(load.statuses.values()) - load.statuses[200]
    print(
        f"| {name} | {connections} | {load.calls_per_second:,.0f} | "
        f"{load.calls_per_second * size:,.0f} | {quantiles} | "
        f"{cpu_seconds * 1000 / len(load.latencies_ms):.2f} | {bad} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
