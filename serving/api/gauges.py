"""How things stand, for Prometheus: what every worker sees alike, and what workers add up to."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

import anyio
import anyio.to_thread
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from serving.api.current import Current
from serving.api.turns import Turns
from serving.store.draining import last_drained_at, waiting_events
from serving.store.publishing import Publisher
from serving.store.read_recording import ReadRecorder
from serving.store.serving_version import find_version

LOOKED_AT_EVERY_SECONDS = 5.0
_MICROSECONDS = 1e6


class WorkerGauges:
    """Hold the gauges that each worker sets for itself; those of the living are put together."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._waiting = Gauge(
            "keepworth_waiting",
            "What waits: calls for their turn, posted events and reads of customers to be written.",
            ("queue",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._degraded = Gauge(
            "keepworth_degraded",
            "1 where a worker goes on with its last good model version.",
            registry=registry,
            multiprocess_mode="livemax",
        )

    async def watch(
        self, current: Current, turns: Turns, publisher: Publisher, reads: ReadRecorder
    ) -> None:
        """Look every few seconds, until cancelled, how this worker stands."""
        while True:
            serving = await anyio.to_thread.run_sync(current.serving)
            self._degraded.set(float(serving.is_degraded))
            self._waiting.labels("calls").set(turns.waiting)
            self._waiting.labels("events").set(publisher.waiting)
            self._waiting.labels("reads").set(reads.waiting)
            await anyio.sleep(LOOKED_AT_EVERY_SECONDS)


class Standing(Collector):
    """Yield what log, live store and model say when they are asked, whichever worker asks."""

    def __init__(self, current: Current) -> None:
        self._current = current

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield what can be had; a store that is away is said, and hides nothing else."""
        yield from self._of_log()
        found: list[GaugeMetricFamily] = []
        with suppress(SQLAlchemyError):
            found = [*self._of_store(), *self._of_model()]
        yield from found
        said = "1 where the live store answers, 0 where not."
        yield _gauge("keepworth_live_store_up", said, float(bool(found)))

    def _of_log(self) -> Iterator[GaugeMetricFamily]:
        log = self._current.log.now().log
        yield _gauge("keepworth_log_events", "Events in the log.", log.n_events)
        erased = len(log.erased.digests)
        yield _gauge("keepworth_erased_customers", "Customers who are kept out.", erased)
        with suppress(FileNotFoundError):
            written = (log.folder / "manifest.json").stat().st_mtime
            said = "When the log was last written: by ingest, drain or erasure."
            yield _gauge("keepworth_log_written_timestamp_seconds", said, written)

    def _of_store(self) -> Iterator[GaugeMetricFamily]:
        store = self._current.workspace.store
        waiting, drained = waiting_events(store), last_drained_at(store)
        said = "Posted events that wait for a drain."
        yield _gauge("keepworth_undrained_events", said, waiting.events)
        since = waiting.oldest_recorded_at
        age = 0.0 if since is None else (self._current.clock() - since) / _MICROSECONDS
        said = "Age of the oldest posted event that waits for a drain; 0 where none does."
        yield _gauge("keepworth_undrained_age_seconds", said, age)
        if drained is not None:
            at = drained.timestamp()
            yield _gauge("keepworth_drained_timestamp_seconds", "When a drain last ended.", at)

    def _of_model(self) -> Iterator[GaugeMetricFamily]:
        wanted = find_version(self._current.workspace.store)
        registered = datetime.fromisoformat(wanted.registered_at).timestamp()
        said = "When the version that is to serve was registered."
        name = "keepworth_model_registered_timestamp_seconds"
        yield _gauge(name, said, registered, version=wanted.version)
        bundle = self._current.serving().bundle
        said = "Until when the version that this worker answers with knows what happened."
        name = "keepworth_model_trained_until_timestamp_seconds"
        yield _gauge(name, said, bundle.cutoff / _MICROSECONDS, version=bundle.version)


def _gauge(name: str, said: str, value: float, **labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, said, labels=tuple(labels))
    family.add_metric(tuple(labels.values()), value)
    return family
