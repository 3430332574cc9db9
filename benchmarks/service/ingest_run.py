"""Posting events, alone and in batches: durable before they are acknowledged, on each store."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.features.measuring import Json
from benchmarks.service import calls
from benchmarks.service.load import OK, Load, closed_loop, open_loop
from benchmarks.service.measured import WORKERS, measured
from benchmarks.service.workspace import asked_about, copied, databases
from serving.api.serve import running_service
from serving.store.tables import live_event
from serving.workspace import Workspace

BATCH_EVENTS = 100
SHAPES = ((1, 1), (1, 16), (1, 64), (BATCH_EVENTS, 1), (BATCH_EVENTS, 16), (BATCH_EVENTS, 64))
"""Events a call, and connections."""
RATE = 1_500
"""Single events a second of the open loop, over 64 connections: the target."""

_WARMING_SECONDS = 2.0


class EventsLostError(RuntimeError):
    """Say that a store does not hold what was acknowledged, each once."""


def ingest(cache: Path, seconds: float) -> Iterator[Json]:
    """Yield latency and throughput, and count in the end what each store holds.

    Raises
    ------
    EventsLostError
        If an acknowledged event is missing, or one is there twice.
    """
    for database in databases():
        with copied(cache, database) as workspace:
            acknowledged: list[int] = []
            with running_service(workspace, workers=WORKERS) as url:
                for row in _rows(url, asked_about(workspace), seconds, acknowledged):
                    yield row | {"store": database}
            _require_all(workspace, sum(acknowledged))


def _rows(url: str, ids: list[str], seconds: float, acknowledged: list[int]) -> Iterator[Json]:
    def counted(run: partial[Load], size: int) -> Load:
        load = run()
        acknowledged.append(load.statuses[OK] * size)
        return load

    counted(partial(closed_loop, url, calls.events_posted(url, ids, 1), 16, _WARMING_SECONDS), 1)
    for size, connections in SHAPES:
        run = partial(closed_loop, url, calls.events_posted(url, ids, size), connections, seconds)
        row = measured(_name(size), connections, partial(counted, run, size))
        yield row | {"events_per_second": round(row["calls_per_second"] * size)}
    run = partial(open_loop, url, calls.events_posted(url, ids, 1), 64, seconds, RATE)
    row = measured(_name(1), 64, partial(counted, run, 1))
    yield row | {"events_per_second": round(row["calls_per_second"]), "rate": RATE}


def _name(size: int) -> str:
    return "one event" if size == 1 else f"a batch of {size}"


def _require_all(workspace: Workspace, acknowledged: int) -> None:
    with workspace.store.reading() as connection:
        stored = connection.execute(select(func.count()).select_from(live_event)).scalar_one()
    print(f"  acknowledged {acknowledged:,}, stored {stored:,}", flush=True)
    if stored != acknowledged:
        raise EventsLostError(f"{acknowledged:,} events were acknowledged, {stored:,} are stored.")
