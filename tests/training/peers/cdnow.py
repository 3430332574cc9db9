"""The 1/10 sample of CDNOW, on which the literature published its estimates."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from training.purchase_anchor import Rhythm

UNTIL = pd.Timestamp("1997-09-30")
"""The end of the 39 weeks that models were calibrated on."""


@dataclass(frozen=True)
class Sample:
    """Hold the rhythm of 2,357 customers, and the mean of their repeat purchases, if any."""

    rhythm: Rhythm
    mean_repeat_basket: NDArray[np.float64]


def sample_or_skip() -> Sample:
    """Return the sample, from the data file of the package lifetimes."""
    package = find_spec("lifetimes")
    if package is None or package.origin is None:
        pytest.skip("the CDNOW sample is not here: make examples installs the package with it")
    return _sample(Path(package.origin).parent / "datasets" / "CDNOW_sample.txt")


def _sample(file: Path) -> Sample:
    names = ["master", "customer", "day", "n_cds", "dollars"]
    lines = pd.read_csv(file, sep=r"\s+", names=names, parse_dates=["day"])
    lines = lines[lines["day"] <= UNTIL]
    purchases = lines.groupby(["customer", "day"], as_index=False)["dollars"].sum()
    first = purchases.groupby("customer")["day"].transform("min")
    repeats = purchases[purchases["day"] > first].groupby("customer")["dollars"]
    by_customer = purchases.groupby("customer")["day"].agg(["min", "max", "count"])
    rhythm = Rhythm(
        by_customer["count"].to_numpy(np.float64) - 1,
        (by_customer["max"] - by_customer["min"]).dt.days.to_numpy(np.float64) / 7,
        (UNTIL - by_customer["min"]).dt.days.to_numpy(np.float64) / 7,
    )
    return Sample(rhythm, repeats.mean().reindex(by_customer.index, fill_value=0.0).to_numpy())
