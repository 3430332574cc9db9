"""Counting calls for Prometheus: by route, method and status, never by what a caller made up."""

import os
import time
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.access import route_of
from serving.api.answers import EventsAnswer
from serving.api.current import Current
from serving.api.gauges import Standing, WorkerGauges

CONTENT_TYPE = CONTENT_TYPE_LATEST
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Traffic:
    """Hold the counters of one application; several workers are added up."""

    def __init__(self, routes: frozenset[str]) -> None:
        """Count calls of these routes; all others share one label."""
        self._routes = routes
        self._registry = CollectorRegistry()
        self.workers = WorkerGauges(self._registry)
        self._calls = Counter(
            "keepworth_http_requests",
            "Answered HTTP requests.",
            ("route", "method", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "keepworth_http_request_seconds",
            "Time from the request's headers to the answer's.",
            ("route",),
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._events = Counter(
            "keepworth_posted_events",
            "Posted events, by what became of them.",
            ("outcome",),
            registry=self._registry,
        )
        self._told = Counter(
            "keepworth_told_customers",
            "Customers whom answers told of: scores, what-if questions, customers shown.",
            ("route",),
            registry=self._registry,
        )

    def count_told(self, path: str, customers: int) -> None:
        """Add the customers whom an answer tells of."""
        self._told.labels(route_of(path)).inc(customers)

    def count_events(self, answer: EventsAnswer) -> None:
        """Add what became of the events of one call."""
        for outcome in ("accepted", "duplicate", "conflict", "rejected", "erased"):
            if number := getattr(answer, outcome):
                self._events.labels(outcome).inc(number)

    def count(self, path: str, method: str, status: int, seconds: float) -> None:
        """Add one answered call."""
        route = route_of(path) if route_of(path) in self._routes else "other"
        self._calls.labels(route, method if method in _METHODS else "other", status).inc()
        self._seconds.labels(route).observe(seconds)

    def exposition(self, current: Current | None) -> bytes:
        """Return the figures of all workers, and how things stand, in Prometheus's text format."""
        standing = CollectorRegistry()
        if current is not None:
            standing.register(Standing(current))
        return self._of_workers() + generate_latest(standing)

    def _of_workers(self) -> bytes:
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        if folder is None:
            return generate_latest(self._registry)
        _forget_the_dead(Path(folder))
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


def _forget_the_dead(folder: Path) -> None:
    """Let gauges of workers that were killed count no more; their counters go on counting."""
    for file in folder.glob("gauge_live*_*.db"):
        process_id = file.stem.rpartition("_")[2]
        if not Path("/proc", process_id).exists():
            file.unlink(missing_ok=True)


class TrafficMiddleware:
    """Count every call that an application answers."""

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self.app = app
        self.traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, and note status and time when the answer begins."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                seconds = time.perf_counter() - began
                self.traffic.count(scope["path"], scope["method"], message["status"], seconds)
            await send(message)

        await self.app(scope, receive, noting)
