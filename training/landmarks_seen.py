"""What everybody's landmark rows say of the portfolio: its monthly churn, and its support."""

from collections.abc import Sequence

import numpy as np

from features.signal import Signal
from training.churn_rows import ChurnRows
from training.person_periods import Matrix
from training.support import drivers_of, ends_of, ranges_of

_LANDMARKS_OF_CHURN = 12


class LandmarksSeen:
    """Count landmark rows part by part; a part holds customers of one landmark."""

    def __init__(self, signals: Sequence[Signal]) -> None:
        self._columns = drivers_of(signals)
        self._drivers = [signals[column] for column in self._columns]
        self._tenure = [driver.name for driver in self._drivers].index("tenure_months")
        self._there: dict[int, int] = {}
        self._left: dict[int, int] = {}
        self._ends: list[tuple[int, Matrix, Matrix]] = []

    def add(self, rows: ChurnRows) -> None:
        """Take the rows of some customers at one landmark."""
        number = int(rows.landmark[0])
        self._there[number] = self._there.get(number, 0) + len(rows.landmark)
        self._left[number] = self._left.get(number, 0) + int((rows.exit_month == 1).sum())
        first = rows.signals[:, self._columns]
        last = first.copy()
        last[:, self._tenure] += np.where(
            rows.exit_month > 0, rows.exit_month, rows.months_observed
        )
        self._ends.append((number, *ends_of(first, last)))

    def monthly_churn(self) -> float:
        """Return the share that left in the month after one of the twelve latest landmarks."""
        latest = sorted(self._there)[-_LANDMARKS_OF_CHURN:]
        left = sum(self._left[number] for number in latest)
        return left / sum(self._there[number] for number in latest)

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Return the ranges of the drivers; tenure went on for as long as a row was followed."""
        return ranges_of(
            self._drivers,
            np.concatenate([first for _, first, _ in self._ends]),
            np.concatenate([last for _, _, last in self._ends]),
            np.concatenate([np.full(len(first), number) for number, first, _ in self._ends]),
        )
