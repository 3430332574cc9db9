"""The page of results on retraining: drift, and two years of the job."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.retraining.years import AHEAD, FIRST, MONTHS

Json = dict[str, Any]
_WHOLE = MONTHS - AHEAD - FIRST + 1
OPENING = """\
# Benchmark of retraining

Written by `make benchmark-retraining`, part by part; each part names the date and the commit at
which it was measured.
"""
_DRIFT = """
## Drift: false alarms and power

Both samples are drawn from one pool of customers of the simulated operator, whole rows with all
their signals, so that nothing drifts but by chance. An alarm is any signal of all; nominal is how
often that may happen. Beside it the usual rule: a population stability index above 0.1, in the
same bins.
"""
_YEARS = """
## Two years of monthly retraining

A simulated operator of NUMBER customers in all; in December 2023 a competitor comes: the odds of
leaving are 2.5 times as high from then on, those of moving down twice. From December 2022 on the
events of each month are ingested, and the job is run (`every_days = 28`, `compare_cutoffs = 1`).
What each policy lets serve is held against what came in the three months after: log-loss of churn,
squared error of value, and exits expected for each that came.
"""


def results_page(results: Json) -> str:
    """Return the page."""
    return "\n".join(_lines(results)).rstrip() + "\n"


def _lines(results: Json) -> Iterator[str]:
    yield OPENING
    if "drift" in results:
        yield _DRIFT
        yield from _drift(results["drift"]["readings"])
        yield _measured(results["drift"])
    if "years" in results:
        in_all = results["years"]["readings"][0]["customers in all"]
        yield _YEARS.replace("NUMBER", f"{in_all:,}")
        yield from _years(results["years"]["readings"])
        yield _measured(results["years"])
    missing = [part for part in ("drift", "years") if part not in results]
    if missing:
        yield f"\nNot measured yet: {', '.join(missing)}."


def _drift(readings: Sequence[Json]) -> Iterator[str]:
    yield "| customers | draws | signals | alarms at 1% | at 5% | PSI > 0.1 | signals over PSI |"
    yield "|---|---|---|---|---|---|---|"
    for row in (row for row in readings if row["part"] == "false alarms"):
        yield (
            f"| {row['n']:,} | {row['times']} | {row['signals']} | {row['alarms at 0.01']:.1%} | "
            f"{row['alarms at 0.05']:.1%} | {row['alarms of PSI']:.1%} | "
            f"{row['signals over PSI']:.1f} |"
        )
    if not any(row["part"] == "power" for row in readings):
        yield "\nOther sizes, and power on planted shifts, are not measured yet."
        return
    yield ""
    yield "| planted | customers | draws | found at 1% over all signals | PSI > 0.1 |"
    yield "|---|---|---|---|---|"
    for row in (row for row in readings if row["part"] == "power"):
        yield (
            f"| {row['shift']} | {row['n']:,} | {row['times']} | {row['found']:.0%} | "
            f"{row['over PSI']:.0%} |"
        )


def _years(readings: Sequence[Json]) -> Iterator[str]:
    if len(readings) < _WHOLE:
        stopped = f"Stopped after {len(readings)} of {_WHOLE} months"
        yield f"**{stopped}: too few to tell policies apart.**"
        yield ""
    before = [row for row in readings if row["month"] < "2023-12"]
    after = [row for row in readings if row["month"] >= "2023-12"]
    yield "| months | policy | log-loss | squared error of value | exits expected / came |"
    yield "|---|---|---|---|---|"
    for name, rows in (("before", before), ("after", after), ("all", list(readings))):
        for policy in ("job", "never", "always"):
            if rows:
                churn, value, ratio = (
                    sum(row[f"{policy} {what}"] for row in rows) / len(rows)
                    for what in ("churn", "value", "ratio")
                )
                figures = f"{churn:.4f} | {value:,.1f} | {ratio:.2f}"
                yield f"| {name} ({len(rows)}) | {policy} | {figures} |"
    yield ""
    yield "| month | outcome | serves | closed | customers | left | job's loss | never | always |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in readings:
        figures = " | ".join(f"{row[f'{p} churn']:.4f}" for p in ("job", "never", "always"))
        yield (
            f"| {row['month']} | {row['outcome']} | {row['serves']} | {row['stopped_by']} | "
            f"{row['customers']} | {row['left']} | {figures} |"
        )


def _measured(part: Json) -> str:
    machine, at = part["machine"], part["at"]
    changed = ", with changes that were not committed" if at["changed"] else ""
    return (
        f"\n*Measured {at['date']} at commit {at['commit']}{changed}, on {machine['processor']}, "
        f"{machine['cores']} cores, {machine['memory_gb']} GB, shared with other work.*\n"
    )
