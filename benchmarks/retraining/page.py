"""The page of results on retraining: drift, and two years of the job."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.retraining.years import FIRST, LAST, POLICIES, WORLDS
from training.comparison import TASKS

Json = dict[str, Any]
_WHOLE = LAST - FIRST + 1
OPENING = """\
# Benchmark of retraining

Written by `make benchmark-retraining`, part by part; each part names the date and the commit at
which it was measured.
"""
_DRIFT = """
## Drift: false alarms and power

Both samples are drawn from one pool of customers of the simulated operator, whole rows with all
their signals, so that nothing drifts but by chance. An alarm is any signal of all; nominal is how
often that may happen; that none came in 20 draws tells only that they are seldom. Beside it the
usual rule: a population stability index above 0.1, in the same bins.
"""
_YEARS = """
## Two years of monthly retraining

A simulated operator of NUMBER customers in all, observed from January 2022. The first version comes
in November 2022; from then on the events of each month are ingested, and the job is run
(`every_days = 28`, `compare_cutoffs = 1`, all else as it is by default). In November 2023 the
world changes:

- *a competitor*: the odds of leaving are 2.5 times as high from then on, those of moving down
  twice;
- *a price rise*: every plan costs 15% more, and the odds of leaving and of moving down are 1.5
  times as high from then on.

Three policies are held against what came in the three months after each month: what the job let
serve; the first version for ever (*never*); each month's challenger, whatever the gates said
(*always*). Losses are the log-loss of churn and the squared error of margin in EUR. Differences
are the job's loss less the other's, below zero where the job is better, with 95% intervals of a
paired bootstrap by customer. The last windows before the change reach beyond it, and windows
overlap. Each world is one operator: the intervals are about its customers, not about others.
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
        readings = results["years"]["readings"]
        yield _YEARS.replace("NUMBER", f"{readings[0]['customers in all']:,}")
        for world in dict.fromkeys(row["world"] for row in readings):
            yield from _years(world, [row for row in readings if row["world"] == world])
        for world in sorted(set(WORLDS) - {row["world"] for row in readings}):
            yield f"### {world.capitalize()}\n\nNot measured yet.\n"
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


def _years(world: str, readings: Sequence[Json]) -> Iterator[str]:
    yield f"### {world.capitalize()}\n"
    if len(readings) < _WHOLE:
        yield f"**Stopped after {len(readings)} of {_WHOLE} months.**\n"
    periods = [[row for row in readings if row["period"] == name] for name in ("before", "after")]
    yield "| months | policy | log-loss | squared error of value | exits expected / came |"
    yield "|---|---|---|---|---|"
    for rows in filter(None, periods):
        n_rows = sum(row["customers"] for row in rows)
        left = sum(row["left"] for row in rows)
        for policy in POLICIES:
            churn, value = (
                sum(row[f"{policy} {task}"] * row["customers"] for row in rows) / n_rows
                for task in TASKS
            )
            expected = sum(row[f"{policy} ratio"] * row["left"] for row in rows)
            figures = f"{churn:.4f} | {value:,.1f} | {expected / left:.2f}"
            yield f"| {rows[0]['period']} ({len(rows)}) | {policy} | {figures} |"
    yield ""
    yield "| months | difference | log-loss | squared error of value |"
    yield "|---|---|---|---|"
    for rows in filter(None, periods):
        for other in POLICIES[1:]:
            churn, value = (rows[-1][f"job - {other} {task}"] for task in TASKS)
            figures = f"{_interval(churn, '.5f')} | {_interval(value, ',.2f')}"
            yield f"| {rows[0]['period']} ({len(rows)}) | job - {other} | {figures} |"
    yield ""
    if all(row["outcome"] == "promoted" for row in readings):
        yield (
            "Every month's challenger was promoted, so that the job and *always* are one: what the "
            "gates save is not to be seen here.\n"
        )
    yield "| month | outcome | serves | closed | customers | left | job's loss | never | always |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in readings:
        figures = " | ".join(f"{row[f'{policy} churn']:.4f}" for policy in POLICIES)
        yield (
            f"| {row['month']} | {row['outcome']} | {row['serves']} | {row['stopped_by']} | "
            f"{row['customers']} | {row['left']} | {figures} |"
        )
    yield ""


def _interval(bounds: Sequence[float], form: str) -> str:
    mean, low, high = (format(bound, form) for bound in bounds)
    return f"{mean} ({low} to {high})"


def _measured(part: Json) -> str:
    machine, at = part["machine"], part["at"]
    changed = ", with changes that were not committed" if at["changed"] else ""
    return (
        f"\n*Measured {at['date']} at commit {at['commit']}{changed}, on {machine['processor']}, "
        f"{machine['cores']} cores, {machine['memory_gb']} GB, shared with other work.*\n"
    )
