"""Signals on a scale that linear models can use: centred, squashed, gaps marked."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.person_periods import Matrix

Values = NDArray[np.float64]
_LARGEST = 3.0
_FEWEST_SHARE = 0.005


@dataclass(frozen=True)
class Squashing:
    """Hold centre and spread of each signal, and which signals have a gap of their own marked.

    A squashed value is z / sqrt(1 + (z / 3)^2) with z = (signal - centre) / spread: near the
    centre it is z, and it never leaves (-3, 3). A gap is 0.
    """

    centre: Values
    spread: Values
    has_gaps: NDArray[np.bool_]

    def inputs(self, signals: Matrix) -> Values:
        """Return squashed signals and marks of gaps, shape (n, n_signals + n_marked)."""
        z = (signals.astype(np.float64) - self.centre) / self.spread
        squashed = np.nan_to_num(z / np.sqrt(1 + np.square(z / _LARGEST)))
        return np.hstack([squashed, np.isnan(signals[:, self.has_gaps])])


def fit_squashing(signals: Matrix) -> Squashing:
    """Fit medians and quartiles; where quartiles agree half the range stands for their distance."""
    gaps = np.isnan(signals).mean(axis=0)
    held = np.where(gaps == 1, np.float32(0), signals)
    low, centre, high = np.nanquantile(held, [0.25, 0.5, 0.75], axis=0)
    spread = np.where(high > low, high - low, np.nanmax(held, axis=0) - np.nanmin(held, axis=0)) / 2
    marked = (gaps > _FEWEST_SHARE) & (gaps < 1 - _FEWEST_SHARE)
    return Squashing(centre, np.where(spread > 0, spread, 1.0), marked)
