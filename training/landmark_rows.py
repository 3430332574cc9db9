"""Landmark rows of survival models: signals of open customers, and the month in which they left.

The clock starts at the landmark, where everybody is there: left truncation needs nothing more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.person_periods import Matrix

Values = NDArray[np.float64]
_LEAST = 1e-6


@dataclass(frozen=True)
class LandmarkRows:
    """Hold what was known and what came after, one row a customer and landmark.

    `signals` has shape (n, n_signals), the rest (n,): `months_observed` since the landmark,
    `exit_month` among them, 0 where none was seen.
    """

    signals: Matrix
    exit_month: NDArray[np.int64]
    months_observed: NDArray[np.int64]

    @property
    def is_exit(self) -> NDArray[np.bool_]:
        """Whether the customer left while observed."""
        return self.exit_month > 0

    @property
    def last_month(self) -> NDArray[np.int64]:
        """Month of leaving, else the last one observed."""
        return np.where(self.is_exit, self.exit_month, self.months_observed)

    def only(self, kept: NDArray[np.bool_]) -> "LandmarkRows":
        """Return the rows that are kept."""
        return LandmarkRows(self.signals[kept], self.exit_month[kept], self.months_observed[kept])

    def as_of_months_ago(self, months: int) -> "LandmarkRows":
        """Return the rows as they were known some months before."""
        kept = self.only(self.months_observed > months)
        observed = kept.months_observed - months
        exit_month = np.where(kept.exit_month <= observed, kept.exit_month, 0)
        return replace(kept, exit_month=exit_month, months_observed=observed)

    def earlier_and_later(self) -> tuple["LandmarkRows", "LandmarkRows"]:
        """Return the rows as known at the latest landmark, and those that start from it.

        What is fitted on the former is judged on the latter, and nothing overlaps.
        """
        latest = int(self.months_observed.min())
        return self.as_of_months_ago(latest), self.only(self.months_observed == latest)

    def log_loss(self, survival: Values) -> float:
        """Return minus the mean log-likelihood of what came.

        `survival` has shape (n, n_months), or (1, n_months) for one curve of all.
        """
        curve = np.hstack([np.ones((len(survival), 1)), survival])
        curve = np.broadcast_to(curve, (len(self.exit_month), curve.shape[1]))
        rows, month = np.arange(len(curve)), self.last_month
        there = curve[rows, month]
        left = curve[rows, np.maximum(month - 1, 0)] - there
        return -float(np.log(np.maximum(np.where(self.is_exit, left, there), _LEAST)).mean())


def stacked_rows(parts: Sequence[LandmarkRows]) -> LandmarkRows:
    """Return all parts as one."""
    return LandmarkRows(
        np.concatenate([part.signals for part in parts]),
        np.concatenate([part.exit_month for part in parts]),
        np.concatenate([part.months_observed for part in parts]),
    )
