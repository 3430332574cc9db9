"""The sections of the page that set the kernel beside its peers."""

from collections.abc import Iterator, Sequence

from benchmarks.features.measuring import Json
from benchmarks.features.tables import middle, millions, peak, table

NAMES = {
    "kernel": "keepworth's kernel",
    "pandas": "pandas",
    "polars": "Polars",
    "duckdb": "DuckDB SQL",
    "featuretools": "Featuretools",
}
NOTES = """\
Every peer reads the same Parquet log (reading and staging: kinds and labels to codes, times and
amounts to integers) and keeps `visible < cutoff` before it computes. `plain` is the form people
write: a groupby a window in pandas, one conditional aggregate a signal in Polars and DuckDB.
`grouped` is the best form found for these signals: group once by customer, kind and label with a
count and a sum a window, then pick. The kernel runs in one thread; Polars and DuckDB use every core
(compare CPU s), DuckDB under a memory limit of 1 GB. Polars divides by multiplying with the
reciprocal, so that last bits differ. Featuretools has cutoff times but one time index and no
recorded_at: it sees late rows too early, so that its values differ, and it is measured on the
smallest log only, in one run. Targets: 5 times faster than pandas, 3 times than the best other."""


def peers_section(readings: Sequence[Json], parts: Json) -> Iterator[str]:
    """Yield the table of the common signals: CPU, wall, memory, agreement, times the kernel."""
    small = parts.get("featuretools", {"readings": []})["readings"]
    yield "## Peers: the signals all can express, at the same cutoffs"
    yield ""
    rows = [*_rows(small), *_rows(readings)]
    head = [
        "events",
        "engine",
        "reading and staging, CPU s",
        "signals, CPU s",
        "wall s",
        "peak GB",
        "times the kernel: signals",
        "with staging",
        "values equal",
    ]
    yield from table(head, rows)
    yield ""
    signals = next(r["runs"][0]["signals"] for r in readings if r.get("runs"))
    yield f"{signals} signals. {NOTES}"


def catalogue_sql_section(readings: Sequence[Json], parts: Json) -> Iterator[str]:
    """Yield the table of the full catalogue in SQL generated from it."""
    yield "## Peers: the full catalogue as SQL generated from it, in DuckDB"
    yield ""
    kernel = {r["events"]: r for r in parts.get("kernel", {"readings": []})["readings"]}
    rows = []
    for reading in readings:
        signals = middle(reading, "cpu", "signals")
        ours = kernel.get(reading["events"])
        times = f"{signals / middle(ours, 'cpu', 'signals'):.1f}" if ours else ""
        staging = middle(reading, "cpu", "staging")
        wall = sum(middle(reading, "wall", part) for part in ("staging", "signals"))
        cells = [f"{staging:.1f}", f"{signals:.1f}", f"{wall:.1f}", f"{peak(reading):.2f}", times]
        rows.append([millions(reading["events"]), *cells, _agreement(reading)])
    head = [
        *("events", "staging, CPU s", "signals, CPU s", "wall s", "peak GB"),
        *("times the kernel: signals", "values equal"),
    ]
    yield from table(head, rows)
    yield ""
    yield (
        "Bucket by bucket, all cutoffs in one query, memory limit 1 GB, one run. It is the oracle "
        "that the tests hold the kernel against."
    )


def _rows(readings: Sequence[Json]) -> Iterator[list[str]]:
    kernel = {r["events"]: r for r in readings if r["engine"] == "kernel"}
    for reading in readings:
        name = NAMES[reading["engine"]] + (f", {reading['form']}" if "form" in reading else "")
        if not reading.get("runs"):
            why = reading.get("missing") or f"did not finish: {reading['failed'][-80:]}"
            yield [millions(reading["events"]) if "events" in reading else "", name, why, *[""] * 6]
            continue
        staging = middle(reading, "cpu", "reading") + middle(reading, "cpu", "staging")
        signals = middle(reading, "cpu", "signals")
        wall = sum(middle(reading, "wall", part) for part in ("reading", "staging", "signals"))
        ours = kernel[reading["events"]]
        our_signals = middle(ours, "cpu", "signals")
        our_staging = middle(ours, "cpu", "reading") + middle(ours, "cpu", "staging")
        yield [
            millions(reading["events"]),
            name,
            *(f"{staging:.1f}", f"{signals:.1f}", f"{wall:.1f}", f"{peak(reading):.2f}"),
            f"{signals / our_signals:.1f}",
            f"{(signals + staging) / (our_signals + our_staging):.1f}",
            _agreement(reading),
        ]


def _agreement(reading: Json) -> str:
    if "agreement" not in reading:
        return ""
    found = reading["agreement"]
    if found["equal_share"] == 1:
        return f"all {found['values']:,}"
    apart = found["most_ulps"]
    far = "" if apart is None or apart > 100 else f", at most {apart} units in the last place apart"
    return f"{found['equal_share']:.2%}{far}"
