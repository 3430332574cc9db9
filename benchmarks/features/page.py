"""The page of results: every reading as a table, with the targets beside what was found."""

from collections.abc import Callable, Iterator, Sequence

from benchmarks.features.measuring import Json
from benchmarks.features.peers_page import catalogue_sql_section, peers_section
from benchmarks.features.tables import middle, millions, peak, table

OPENING = """\
# Benchmark of the feature engine

Written by `make benchmark-features`. Synthetic subscription logs (seed {seed}): 100 events a
customer on average, lognormal, at most 5,000; two years; 3% of the rows recorded days late; 4
plans, 3 usage metrics. 12 monthly cutoffs unless said otherwise. "CPU s" is user and system time
of all threads and compares; wall time is an upper bound where the machine did other work. Peak is
the largest resident memory of one process. Up to 3M events the median of three runs, above it one.

Machine: {processor}, {cores} cores, {memory_gb} GB. Python {python}, {versions}.
"""


def results_page(results: Json) -> str:
    """Return the page as Markdown; parts that were never run are left out."""
    parts, machine = results["parts"], dict(results["machine"])
    versions = ", ".join(f"{name} {number}" for name, number in machine.pop("versions").items())
    seed = next((part["seed"] for part in parts.values()), "")
    lines = [OPENING.format(**machine, versions=versions, seed=seed)]
    for name, section in SECTIONS.items():
        if name in parts:
            lines += [*section(parts[name]["readings"], parts), "", _origin(parts[name]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _kernel(readings: Sequence[Json], _: Json) -> Iterator[str]:
    signals = readings[0]["runs"][0]["signals"]
    yield f"## Kernel: the full catalogue, {signals} signals at 12 cutoffs, one process"
    yield ""
    rows = []
    for reading in readings:
        cpu = {part: middle(reading, "cpu", part) for part in ("reading", "staging", "signals")}
        whole, ingest = sum(cpu.values()), reading["log"]["ingest"]
        rows.append(
            [
                millions(reading["events"]),
                *(f"{seconds:.1f}" for seconds in cpu.values()),
                f"**{reading['events'] / cpu['signals'] / 1e6:.2f}M**",
                f"{reading['events'] / whole / 1e6:.2f}M",
                f"{sum(middle(reading, 'wall', part) for part in cpu):.1f}",
                f"{peak(reading):.2f}",
                f"{ingest['cpu']:.0f} / {ingest['wall']:.0f} / {ingest['peak_gb']:.2f}",
            ]
        )
    head = [
        "events",
        "reading, CPU s",
        "staging, CPU s",
        "signals, CPU s",
        "events a CPU s, signals",
        "all three",
        "wall s",
        "peak GB",
        "ingest before: CPU s / wall s / peak GB",
    ]
    yield from table(head, rows)
    yield ""
    yield (
        "Reading: slices of the log and of the customers. Staging: sorted columns with offsets, "
        "500,000 events at a time. Targets: 0.4M events a CPU second in signals, 1 GB a process."
    )
    yield from _growth(readings)


def _growth(readings: Sequence[Json]) -> Iterator[str]:
    """Yield how the cost of one event grew from 3M events, or the fewest, to the most."""
    first = next((r for r in readings if r["events"] >= 2_900_000), readings[0])
    last = readings[-1]
    if first is last:
        return
    costs = [middle(r, "cpu", "signals") / r["events"] * 1e6 for r in (first, last)]
    yield ""
    yield (
        f"Growth from {millions(first['events'])} to {millions(last['events'])} events: "
        f"{costs[0]:.2f} to {costs[1]:.2f} CPU microseconds an event, "
        f"{costs[1] / costs[0] - 1:+.0%} (target: within 15%)."
    )


def _command(readings: Sequence[Json], _: Json) -> Iterator[str]:
    yield "## The command: `keepworth features`, all of it"
    yield ""
    rows = [
        [
            millions(reading["events"]),
            reading["asked"],
            f"{reading['process']['cpu']:.1f}",
            f"{reading['process']['wall']:.1f}",
            f"{reading['process']['peak_gb']:.2f}",
        ]
        for reading in readings
    ]
    yield from table(["events", "asked for", "CPU s", "wall s", "peak GB"], rows)
    yield ""
    yield "Start-up, vocabulary, references, reading, signals, writing and the canary are in it."


def _online(readings: Sequence[Json], _: Json) -> Iterator[str]:
    taken = readings[0]
    yield f"## Online: {taken['signals']} signals of one customer, and of 32, in one call"
    yield ""
    rows = [
        [
            reading["customers"],
            f"{reading['events']:,}",
            *(f"{reading['kernel'][name]:.2f}" for name in ("p50_ms", "p99_ms")),
            *(f"{reading['with_history'][name]:.2f}" for name in ("p50_ms", "p99_ms")),
        ]
        for reading in sorted(taken["online"], key=lambda r: (r["customers"], r["events"]))
    ]
    head = ["customers", "events each", "kernel p50 ms", "p99", "history and kernel p50 ms", "p99"]
    yield from table(head, rows)
    yield ""
    yield (
        f"{taken['repetitions']:,} calls each, collector frozen. The kernel is given a history; "
        "the other builds it from contract columns first (a quarter of the calls). Target: kernel "
        "p99 of one customer 1 ms."
    )


def _spark(readings: Sequence[Json], _: Json) -> Iterator[str]:
    yield "## Spark, `local[2]`, beside batch: `keepworth features` at one as_of"
    yield ""
    if "missing" in readings[0]:
        yield f"Not measured: {readings[0]['missing']}."
        return
    rows = []
    for reading in readings:
        found = reading["agreement"]
        differing = round((1 - found["equal_share"]) * found["values"])
        walls = [f"{reading[name]['wall']:.1f}" for name in ("batch", "spark")]
        rows.append([millions(reading["events"]), *walls, f"{found['values']:,}", f"{differing:,}"])
    yield from table(["events", "batch, wall s", "Spark, wall s", "values", "that differ"], rows)


def _origin(part: Json) -> str:
    at = part["at"]
    changed = ", with changes to the engine not yet committed" if at["changed"] else ""
    return f"*Measured {at['date']} at commit {at['commit']}{changed}.*"


SECTIONS: dict[str, Callable[[Sequence[Json], Json], Iterator[str]]] = {
    "kernel": _kernel,
    "peers": peers_section,
    "catalogue-sql": catalogue_sql_section,
    "command": _command,
    "online": _online,
    "spark": _spark,
}
