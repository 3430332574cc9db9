"""The common signals in Featuretools, with cutoff times: one feature an atom, one pass a window.

    python -m benchmarks.features.featuretools_peer WORKSPACE plain [--save FILE]

Featuretools has one time index: rows are known from occurred_at on, so that rows recorded late are
seen too early, and its signals are not those of the others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import featuretools as ft
import numpy as np
import pandas as pd
from featuretools.primitives import Count as FtCount
from featuretools.primitives import NumUnique, Sum, TimeSinceFirst, TimeSinceLast

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
from benchmarks.features.signals_compared import Atom
from benchmarks.features.synthetic_tables import DAY
from features.contract import KINDS
from features.expressions import ActiveDays, Count, DaysSince, DistinctLabels, Total


@dataclass(frozen=True)
class Staged:
    """Hold the entity set, and how many customers there are."""

    entities: ft.EntitySet
    n_customers: int


def stage(workspace: Path) -> Staged:
    """Return customers and events as an entity set; `happening` is a kind with its label."""
    table, n_customers = staged_table(workspace)
    events = table.to_pandas()
    names = np.array([kind.name for kind in KINDS])[events["kind"]]
    frame = pd.DataFrame(
        {
            "event": np.arange(len(events)),
            "customer": events["customer"],
            "kind": names,
            "happening": names + ":" + events["label"].fillna("").to_numpy(str),
            "label": events["label"],
            "day": events["occurred"] // DAY,
            "value": events["value"].astype(float),
            "time": pd.to_datetime(events["occurred"], unit="us"),
        }
    )
    entities = ft.EntitySet("business")
    entities.add_dataframe(
        dataframe_name="customers",
        dataframe=pd.DataFrame({"customer": np.arange(n_customers)}),
        index="customer",
    )
    types = {"kind": "Categorical", "happening": "Categorical", "label": "Categorical"}
    entities.add_dataframe(
        dataframe_name="events",
        dataframe=frame,
        index="event",
        time_index="time",
        logical_types=types | {"day": "Categorical"},
    )
    entities.add_relationship("customers", "customer", "events", "customer")
    return Staged(entities, n_customers)


def aggregates_at(staged: Staged, as_of: int, form: Form) -> Aggregates:
    """Return every atom of all customers at one cutoff; there is one form."""
    del form
    found: dict[Atom, Values] = {}
    for days in WINDOWS:
        atoms = [atom for atom in ATOMS if _days(atom) == days]
        found |= dict(_of_window(staged, atoms, as_of, days))
    return found


def _of_window(
    staged: Staged, atoms: list[Atom], as_of: int, days: int | None
) -> Iterator[tuple[Atom, Values]]:
    features = [_feature(staged.entities, atom) for atom in atoms]
    matrix = ft.calculate_feature_matrix(
        features,
        staged.entities,
        cutoff_time=pd.Timestamp(as_of, unit="us"),
        training_window=None if days is None else f"{days} days",
        include_cutoff_time=False,
    ).sort_index()
    for atom, feature in zip(atoms, features, strict=True):
        values = matrix[feature.get_name()].to_numpy(np.float64)
        values = values if isinstance(atom, DaysSince) else np.nan_to_num(values)
        yield atom, values / (scale_of(atom.happening) if isinstance(atom, Total) else 1)


def _feature(entities: ft.EntitySet, atom: Atom) -> ft.Feature:
    column = "happening" if ":" in atom.happening else "kind"
    where = ft.Feature(entities["events"].ww[column]) == atom.happening
    base, primitive = {
        Count: ("event", FtCount),
        Total: ("value", Sum),
        ActiveDays: ("day", NumUnique),
        DistinctLabels: ("label", NumUnique),
        DaysSince: ("time", TimeSinceLast),
    }[type(atom)]
    if isinstance(atom, DaysSince):
        primitive = (TimeSinceFirst if atom.which == "first" else TimeSinceLast)(unit="days")
    return ft.Feature(
        entities["events"].ww[base],
        parent_dataframe_name="customers",
        where=where,
        primitive=primitive,
    )


def _days(atom: Atom) -> int | None:
    return None if isinstance(atom, DaysSince) else atom.days


if __name__ == "__main__":
    run_peer(stage, aggregates_at)
