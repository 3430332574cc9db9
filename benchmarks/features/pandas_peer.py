"""The common signals in pandas, vectorised: one groupby a window, then picked by kind and label.

python -m benchmarks.features.pandas_peer WORKSPACE [--save FILE]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.features.peer import (
    ATOMS,
    WINDOWS,
    Aggregates,
    Form,
    Values,
    run_peer,
    scale_of,
    staged_table,
)
from benchmarks.features.signals_compared import Atom, kind_and_label
from benchmarks.features.synthetic_tables import DAY
from features.contract import KIND_CODES
from features.expressions import ActiveDays, Count, DaysSince, DistinctLabels, Total

_USAGE = KIND_CODES["usage"]


@dataclass(frozen=True)
class Staged:
    """Hold the events as a frame, how many customers there are, and the words of the labels."""

    events: pd.DataFrame
    n_customers: int
    labels: dict[str, int]

    def spread(self, grouped: pd.Series) -> Values:
        """Return a series by customer as an array over all customers, NaN where it has none."""
        return grouped.reindex(range(self.n_customers)).to_numpy(np.float64)


def stage(workspace: Path) -> Staged:
    """Return the log as a frame of numbers, labels as codes."""
    table, n_customers = staged_table(workspace)
    encoded = table.column("label").combine_chunks().dictionary_encode()
    codes = encoded.indices.fill_null(-1).cast(pa.int8()).to_numpy()
    labels = {word: code for code, word in enumerate(encoded.dictionary.to_pylist())}
    events = table.drop_columns(["label"]).to_pandas()
    events["label"] = codes
    events["day"] = (events["occurred"] // DAY).astype("int32")
    return Staged(events, n_customers, labels)


def aggregates_at(staged: Staged, as_of: int, form: Form) -> Aggregates:
    """Return every atom of all customers at one cutoff."""
    visible = staged.events[staged.events["visible"] < as_of]
    distinct = dict(_distinct(staged, visible, as_of))
    if form == "grouped":
        return distinct | dict(_from_grouped(staged, visible, as_of))
    found: dict[Atom, Values] = dict(_days_since(staged, visible, as_of))
    for days in WINDOWS:
        start = -np.inf if days is None else as_of - days * DAY
        recent = visible[visible["occurred"] >= start]
        found |= dict(_counts_and_totals(staged, recent, days))
    return distinct | found


def _from_grouped(
    staged: Staged, visible: pd.DataFrame, as_of: int
) -> Iterator[tuple[Atom, Values]]:
    """Group by customer, kind and label, then pick every atom from the small table."""
    table = _grouped(visible, as_of)
    for happening in dict.fromkeys(atom.happening for atom in ATOMS):
        kind, label = kind_and_label(happening)
        rows = table[table["kind"] == kind]
        if label is not None:
            rows = rows[rows["label"] == staged.labels.get(label, -2)]
        by_customer = rows.drop(columns=["kind", "label"]).groupby("customer")
        total, first, last = by_customer.sum(), by_customer["min"].min(), by_customer["max"].max()
        for atom in ATOMS:
            if atom.happening != happening:
                continue
            if isinstance(atom, DaysSince):
                instants = first if atom.which == "first" else last
                yield atom, (as_of - staged.spread(instants)) / DAY
            elif isinstance(atom, Count):
                yield atom, np.nan_to_num(staged.spread(total[f"n_{atom.days}"]))
            elif isinstance(atom, Total):
                values = np.nan_to_num(staged.spread(total[f"total_{atom.days}"]))
                yield atom, values / scale_of(happening)


def _grouped(visible: pd.DataFrame, as_of: int) -> pd.DataFrame:
    """Return a count and a sum a window, grouped by one number for the three keys."""
    kind_and_word = visible["kind"].astype(np.int64) * 128 + visible["label"] + 1
    key = visible["customer"].astype(np.int64) * 4096 + kind_and_word
    columns = {}
    for days in WINDOWS:
        within = visible["occurred"] >= (0 if days is None else as_of - days * DAY)
        columns[f"n_{days}"] = within.astype(np.int64)
        columns[f"total_{days}"] = visible["value"] * within
    sums = pd.DataFrame(columns).groupby(key, sort=False).sum()
    spans = visible["occurred"].groupby(key, sort=False).agg(["min", "max"])
    customer, rest = np.divmod(sums.index.to_numpy(), 4096)
    kind, word = np.divmod(rest, 128)
    keys = {"customer": customer, "kind": kind, "label": word - 1}
    return pd.concat([sums, spans], axis=1).assign(**keys)


def _counts_and_totals(
    staged: Staged, recent: pd.DataFrame, days: int | None
) -> Iterator[tuple[Atom, Values]]:
    wanted = [atom for atom in ATOMS if isinstance(atom, Count | Total) and atom.days == days]
    for with_label in (False, True):
        atoms = [atom for atom in wanted if (":" in atom.happening) == with_label]
        if not atoms:
            continue
        rows = recent[recent["kind"].isin({kind_and_label(atom.happening)[0] for atom in atoms})]
        keys = ["customer", "kind", "label"] if with_label else ["customer", "kind"]
        found = rows.groupby(keys)["value"].agg(["size", "sum"])
        table = found.unstack(keys[1:], fill_value=0)  # noqa: PD010 -- groupby is faster
        for atom in atoms:
            column = ("size" if isinstance(atom, Count) else "sum", *_key(staged, atom))
            values = np.zeros(staged.n_customers)
            if column in table.columns:
                values = np.nan_to_num(staged.spread(table[column]))
            yield atom, values / (scale_of(atom.happening) if isinstance(atom, Total) else 1)


def _days_since(staged: Staged, visible: pd.DataFrame, as_of: int) -> Iterator[tuple[Atom, Values]]:
    wanted = [atom for atom in ATOMS if isinstance(atom, DaysSince)]
    for with_label in (False, True):
        atoms = [atom for atom in wanted if (":" in atom.happening) == with_label]
        rows = visible[visible["kind"].isin({kind_and_label(atom.happening)[0] for atom in atoms})]
        keys = ["customer", "kind", "label"] if with_label else ["customer", "kind"]
        found = rows.groupby(keys)["occurred"].agg(["min", "max"])
        table = found.unstack(keys[1:])  # noqa: PD010 -- groupby is faster
        for atom in atoms:
            column = ("min" if atom.which == "first" else "max", *_key(staged, atom))
            has_column = column in table.columns
            values = (
                staged.spread(table[column]) if has_column else np.full(staged.n_customers, np.nan)
            )
            yield atom, (as_of - values) / DAY


def _distinct(staged: Staged, visible: pd.DataFrame, as_of: int) -> Iterator[tuple[Atom, Values]]:
    """Reduce usage to the latest instant of each day and label, then count those in a window."""
    wanted = [atom for atom in ATOMS if isinstance(atom, ActiveDays | DistinctLabels)]
    longest = max(atom.days for atom in wanted)
    used = visible[(visible["kind"] == _USAGE) & (visible["occurred"] >= as_of - longest * DAY)]
    daily = used.groupby(["customer", "label", "day"])["occurred"].max().reset_index()
    by_day = daily.groupby(["customer", "day"])["occurred"].max().reset_index()
    labelled = daily[daily["label"] >= 0]
    by_label = labelled.groupby(["customer", "label"])["occurred"].max().reset_index()
    for atom in wanted:
        label = kind_and_label(atom.happening)[1]
        table = by_label if isinstance(atom, DistinctLabels) else by_day
        if label is not None:
            table = daily[daily["label"] == staged.labels.get(label, -2)]
        within = table.loc[table["occurred"] >= as_of - atom.days * DAY, "customer"]
        yield atom, np.bincount(within, minlength=staged.n_customers).astype(np.float64)


def _key(staged: Staged, atom: Atom) -> tuple[int, ...]:
    kind, label = kind_and_label(atom.happening)
    return (kind,) if label is None else (kind, staged.labels.get(label, -2))


if __name__ == "__main__":
    run_peer(stage, aggregates_at)
