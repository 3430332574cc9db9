"""The common signals in Polars: one lazy group_by a cutoff with a masked aggregate an atom.

python -m benchmarks.features.polars_peer WORKSPACE [--save FILE]
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.features.peer import ATOMS, Aggregates, run_peer, scale_of, staged_table
from benchmarks.features.signals_compared import Atom, kind_and_label
from benchmarks.features.synthetic_tables import DAY
from features.contract import KIND_CODES
from features.expressions import ActiveDays, Count, DaysSince, DistinctLabels

_USAGE = KIND_CODES["usage"]


@dataclass(frozen=True)
class Staged:
    """Hold the events as a frame, and how many customers there are."""

    events: pl.DataFrame
    n_customers: int


def stage(workspace: Path) -> Staged:
    """Return the log as a frame of numbers, labels as categories, sorted by customer."""
    table, n_customers = staged_table(workspace)
    events = pl.from_arrow(table).with_columns(pl.col("label").cast(pl.Categorical))
    return Staged(events.sort("customer", "occurred"), n_customers)


def aggregates_at(staged: Staged, as_of: int) -> Aggregates:
    """Return every atom of all customers at one cutoff, in one collected plan."""
    visible = staged.events.lazy().filter(pl.col("visible") < as_of)
    plain = [atom for atom in ATOMS if not isinstance(atom, ActiveDays | DistinctLabels)]
    grouped = visible.group_by("customer").agg(
        _aggregate(atom, as_of).alias(str(number))
        for number, atom in enumerate(ATOMS)
        if atom in plain
    )
    everybody = pl.LazyFrame({"customer": np.arange(staged.n_customers, dtype=np.int32)})
    joined = everybody.join(grouped, on="customer", how="left")
    for part in _distinct(visible, as_of):
        joined = joined.join(part, on="customer", how="left")
    table = joined.sort("customer").collect()
    return {atom: _values(table[str(number)], atom) for number, atom in enumerate(ATOMS)}


def _aggregate(atom: Atom, as_of: int) -> pl.Expr:
    kind, label = kind_and_label(atom.happening)
    chosen = pl.col("kind") == kind
    if label is not None:
        chosen &= pl.col("label") == label
    if isinstance(atom, DaysSince):
        occurred = pl.when(chosen).then(pl.col("occurred"))
        instant = occurred.min() if atom.which == "first" else occurred.max()
        return (as_of - instant) / DAY
    if atom.days is not None:
        chosen &= pl.col("occurred") >= as_of - atom.days * DAY
    if isinstance(atom, Count):
        return chosen.sum().cast(pl.Float64)
    return pl.when(chosen).then(pl.col("value")).otherwise(0).sum() / scale_of(atom.happening)


def _distinct(visible: pl.LazyFrame, as_of: int) -> list[pl.LazyFrame]:
    """Reduce usage to the latest instant of each day and label, then count those in a window."""
    used = visible.filter((pl.col("kind") == _USAGE) & (pl.col("occurred") >= as_of - 180 * DAY))
    day = (pl.col("occurred") // DAY).alias("day")
    daily = used.group_by("customer", "label", day).agg(pl.col("occurred").max())
    by_day = daily.group_by("customer", "day").agg(pl.col("occurred").max())
    by_label = daily.drop_nulls("label").group_by("customer", "label").agg(pl.col("occurred").max())
    parts = {"days": by_day, "metric": daily, "labels": by_label}
    return [
        part.group_by("customer").agg(
            _within(atom, as_of).alias(str(number))
            for number, atom in enumerate(ATOMS)
            if _part(atom) == name
        )
        for name, part in parts.items()
    ]


def _part(atom: Atom) -> str | None:
    if isinstance(atom, DistinctLabels):
        return "labels"
    if isinstance(atom, ActiveDays):
        return "metric" if ":" in atom.happening else "days"
    return None


def _within(atom: ActiveDays | DistinctLabels, as_of: int) -> pl.Expr:
    _, label = kind_and_label(atom.happening)
    chosen = pl.col("occurred") >= as_of - atom.days * DAY
    return (chosen if label is None else chosen & (pl.col("label") == label)).sum()


def _values(column: pl.Series, atom: Atom) -> np.ndarray:
    values = column.cast(pl.Float64)
    return values.fill_null(np.nan if isinstance(atom, DaysSince) else 0.0).to_numpy()


if __name__ == "__main__":
    run_peer(stage, aggregates_at)
