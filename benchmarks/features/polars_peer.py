"""The common signals in Polars: one lazy plan a cutoff, masked sums by customer.

    python -m benchmarks.features.polars_peer WORKSPACE plain|grouped [--save FILE]

`plain` sums over the events; `grouped` first groups them by customer, kind and label.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.features.peer import (
    ATOMS,
    WINDOWS,
    Aggregates,
    Form,
    run_peer,
    scale_of,
    staged_table,
)
from benchmarks.features.signals_compared import Atom, kind_and_label
from benchmarks.features.synthetic_tables import DAY
from features.contract import KIND_CODES
from features.expressions import ActiveDays, Count, DaysSince, DistinctLabels, Total

_LONGEST_DISTINCT = 180


@dataclass(frozen=True)
class Staged:
    """Hold the events as a frame, how many customers there are, and the codes of labels."""

    events: pl.DataFrame
    n_customers: int
    labels: dict[str, int]


def stage(workspace: Path) -> Staged:
    """Return the log as a frame of numbers, sorted by customer."""
    table, n_customers = staged_table(workspace)
    events = pl.from_arrow(table)
    words = events["label"].drop_nulls().unique().sort().to_list()
    labels = {word: code for code, word in enumerate(words)}
    coded = pl.col("label").replace_strict(labels, return_dtype=pl.Int16)
    return Staged(events.with_columns(coded).sort("customer", "occurred"), n_customers, labels)


def aggregates_at(staged: Staged, as_of: int, form: Form) -> Aggregates:
    """Return every atom of all customers at one cutoff, in one collected plan."""
    visible = staged.events.lazy().filter(pl.col("visible") < as_of)
    used = visible.filter(
        (pl.col("kind") == KIND_CODES["usage"])
        & (pl.col("occurred") >= as_of - _LONGEST_DISTINCT * DAY)
    )
    day = (pl.col("occurred") // DAY).alias("day")
    daily = used.group_by("customer", "label", day).agg(_latest("occurred"))
    parts = {
        "plain": visible if form == "plain" else _grouped(visible, as_of),
        "days": daily.group_by("customer", "day").agg(_latest("latest")),
        "metric": daily,
        "labels": daily.drop_nulls("label").group_by("customer", "label").agg(_latest("latest")),
    }
    found = pl.LazyFrame({"customer": np.arange(staged.n_customers, dtype=np.int32)})
    for part, rows in parts.items():
        columns = [
            _aggregate(staged, atom, as_of, form).alias(str(number))
            for number, atom in enumerate(ATOMS)
            if _part(atom) == part
        ]
        found = found.join(rows.group_by("customer").agg(columns), on="customer", how="left")
    table = found.sort("customer").collect()
    return {atom: _values(table[str(number)], atom) for number, atom in enumerate(ATOMS)}


def _grouped(visible: pl.LazyFrame, as_of: int) -> pl.LazyFrame:
    """Group by customer, kind and label, with a count and a sum a window."""
    columns = [pl.col("occurred").min().alias("earliest"), _latest("occurred")]
    for days in WINDOWS:
        within = _within(days, as_of)
        total = pl.when(within).then(pl.col("value")).otherwise(0).sum()
        columns += [within.sum().alias(f"n_{days}"), total.alias(f"total_{days}")]
    return visible.group_by("customer", "kind", "label").agg(columns)


def _aggregate(staged: Staged, atom: Atom, as_of: int, form: Form) -> pl.Expr:
    kind, label = kind_and_label(atom.happening)
    of_label = pl.lit(value=True) if label is None else pl.col("label") == staged.labels[label]
    if isinstance(atom, ActiveDays | DistinctLabels):
        return (of_label & (pl.col("latest") >= as_of - atom.days * DAY)).sum()
    chosen = of_label & (pl.col("kind") == kind)
    if isinstance(atom, DaysSince):
        return (as_of - _instant(atom, chosen, form)) / DAY
    if form == "plain":
        chosen &= _within(atom.days, as_of)
    total = pl.when(chosen).then(_amount(atom, form)).otherwise(0).sum()
    return total if isinstance(atom, Count) else total / scale_of(atom.happening)


def _instant(atom: DaysSince, chosen: pl.Expr, form: Form) -> pl.Expr:
    if atom.which == "first":
        earliest = pl.col("occurred" if form == "plain" else "earliest")
        return pl.when(chosen).then(earliest).min()
    return pl.when(chosen).then(pl.col("occurred" if form == "plain" else "latest")).max()


def _amount(atom: Count | Total, form: Form) -> pl.Expr:
    if form == "plain":
        return pl.lit(1, pl.Int64) if isinstance(atom, Count) else pl.col("value")
    return pl.col(f"{'n' if isinstance(atom, Count) else 'total'}_{atom.days}").cast(pl.Int64)


def _within(days: int | None, as_of: int) -> pl.Expr:
    return pl.col("occurred") >= (0 if days is None else as_of - days * DAY)


def _latest(column: str) -> pl.Expr:
    return pl.col(column).max().alias("latest")


def _part(atom: Atom) -> str:
    if isinstance(atom, DistinctLabels):
        return "labels"
    if isinstance(atom, ActiveDays):
        return "metric" if ":" in atom.happening else "days"
    return "plain"


def _values(column: pl.Series, atom: Atom) -> NDArray[np.float64]:
    values = column.cast(pl.Float64)
    return values.fill_null(np.nan if isinstance(atom, DaysSince) else 0.0).to_numpy()


if __name__ == "__main__":
    run_peer(stage, aggregates_at)
