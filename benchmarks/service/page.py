"""The page of results: every reading as a table, with what was to be reached beside what was."""

from collections.abc import Iterator

from benchmarks.features.measuring import Json
from benchmarks.service.ingest_run import RATE
from benchmarks.service.measured import WORKERS
from benchmarks.service.workspace import ASKED_ABOUT, HISTORY_EVENTS, SEED, SUBSCRIBERS

OPENING = f"""\
# Benchmark of the service

Written by `make benchmark-service`, part by part; each part names the date and the commit at which
it was measured. {SUBSCRIBERS:,} simulated subscribers (seed {SEED}), of whom {ASKED_ABOUT} have
{HISTORY_EVENTS} events each: those are asked about, in turn. {WORKERS} worker processes; the load
comes over loopback from a process on the same cores. No key is made.

**Closed**: each connection sends its next call when the last was answered. **Open**: calls are sent
at a fixed rate whether or not the service keeps up, and a latency counts from the instant at which
the call was to be sent. Latencies in milliseconds; CPU is what all processes of the service worked
for a call, which tells more than time where the machine does other work too.
"""
_TARGETS = {
    "score": "To be reached: score by id at 600 a second over 16 connections, p99 at most 15 ms.",
    "ingest": f"To be reached on SQLite: {RATE:,} single events a second, 20,000 in batches.",
    "peers": "To be reached: at least 5 times the calls a second of `mlflow models serve`.",
}
_TITLES = {
    "score": "Scores",
    "ingest": "Posting events",
    "peers": "Beside peers",
    "agreement": "Batch equals API",
    "kill": "Killed under load",
    "soak": "Ten minutes of load",
}


def results_page(results: Json) -> str:
    """Return the page."""
    return "\n".join(_lines(results)).rstrip() + "\n"


def _lines(results: Json) -> Iterator[str]:
    yield OPENING
    for name, title in _TITLES.items():
        if name in results:
            yield f"## {title}"
            yield ""
            yield from _prose(name)
            yield from _table(results[name]["readings"])
            yield from _measured(results[name])
    missing = [name for name in _TITLES if name not in results]
    if missing:
        yield f"Not measured yet: {', '.join(missing)}."


def _prose(name: str) -> Iterator[str]:
    if name in _TARGETS:
        yield _TARGETS[name]
        yield ""


_COLUMNS = {
    "store": "store",
    "what": "what",
    "call": "call",
    "connections": "connections",
    "rate": "open, calls/s",
    "calls_per_second": "calls/s",
    "events_per_second": "events/s",
    "p50_ms": "p50",
    "p95_ms": "p95",
    "p99_ms": "p99",
    "cpu_ms": "CPU ms",
    "not_ok": "not 200",
}
_NAMES_FIRST = ("store", "what", "call")


def _table(readings: list[Json]) -> Iterator[str]:
    """Yield a table with the columns that readings have, those that the page names first."""
    found = dict.fromkeys(key for reading in readings for key in reading)
    keys = [key for key in _COLUMNS if key in found]
    keys += [key for key in found if key not in _COLUMNS and key != "calls"]
    yield f"| {' | '.join(_COLUMNS.get(key, key.replace('_', ' ')) for key in keys)} |"
    yield "|" + "".join("---|" if key in _NAMES_FIRST else "---:|" for key in keys)
    for reading in readings:
        yield f"| {' | '.join(_shown(reading.get(key)) for key in keys)} |"


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _measured(part: Json) -> Iterator[str]:
    machine, at = part["machine"], part["at"]
    changed = ", with changes that were not committed" if at["changed"] else ""
    yield ""
    yield (
        f"*Measured {at['date']} at commit {at['commit']}{changed}, on {machine['processor']}, "
        f"{machine['cores']} cores, {machine['memory_gb']} GB, shared with other work.*"
    )
    yield ""
