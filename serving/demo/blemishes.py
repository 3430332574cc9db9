"""What is wrong with real exports: rows that arrive late, and rows that nobody can use."""

import numpy as np
import pandas as pd

from serving.demo.blocks import Instants
from serving.demo.parameters import Blemishes

PUNCTUAL_DELAY = np.timedelta64(30, "m")


def recorded(
    moments: Instants, until: Instants, rng: np.random.Generator, spec: Blemishes
) -> Instants:
    """Return when rows were recorded: half an hour later, some of them days later.

    A row that would be recorded after the export was taken at `until` is NaT.
    """
    n = len(moments)
    days = rng.integers(1, spec.late_days + 1, n).astype("timedelta64[D]")
    late = rng.random(n) < spec.late_share
    times: Instants = moments + np.where(late, days.astype("timedelta64[s]"), PUNCTUAL_DELAY)
    return np.where(times < until, times, np.datetime64("NaT", "s"))


def with_dirty_rows(
    table: pd.DataFrame,
    faults: dict[str, str | float | None],
    rng: np.random.Generator,
    spec: Blemishes,
) -> pd.DataFrame:
    """Add copies of some rows, each with one of `faults` (column to value) put in it."""
    n_dirty = int(len(table) * spec.dirty_share)
    dirty = table.iloc[np.sort(rng.choice(len(table), n_dirty, replace=False))].copy()
    which = rng.integers(0, len(faults), n_dirty)
    for number, (column, value) in enumerate(faults.items()):
        dirty.loc[which == number, column] = value
    together = pd.concat([table, dirty])
    return together.sort_index(kind="stable").reset_index(drop=True)
