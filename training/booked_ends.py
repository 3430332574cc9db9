"""Booked ends: how the hazard looks beside a notice given, or a term that lapses."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

_USUAL_KEPT, _KEPT_WEIGHT = 0.9, 10.0
_USUAL_EARLY, _EARLY_WEIGHT = 0.002, 500.0


@dataclass(frozen=True)
class BookedEnds:
    """Hold how booked ends come: monthly shares of those whose end is booked.

    `kept` is the share who leave in the month of the booked end, `early` the share who leave in
    a month before it. Where `terms_lapse`, an end that did not come is booked anew a term later;
    otherwise whoever withdrew a notice is as any other customer.
    """

    kept: float = 1.0
    early: float = 0.0
    terms_lapse: bool = False

    def hazard(
        self, anchor: NDArray[np.float64], clocks: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the anchor's hazard (n, n_months), replaced where an end is booked.

        `clocks` (n, 4) are the CLOCK_SIGNALS; without a booked end the last one is NaN.
        """
        term, booked = clocks[:, 1][:, None], clocks[:, 3][:, None]
        month = np.arange(1, anchor.shape[1] + 1)
        hazard = np.where(month < booked, self.early, anchor)
        hazard = np.where(month == booked, self.kept, hazard)
        if not self.terms_lapse:
            return hazard
        later = (term > 0) & (month > booked)
        is_due = np.mod(month - booked, np.maximum(term, 1)) == 0
        return np.where(later, np.where(is_due, self.kept, self.early), hazard)


@dataclass(frozen=True)
class EndCounts:
    """Count landmark rows with a booked end; counts of parts add up.

    `due` are booked to end in the month ahead, and `kept` of them did; `ahead` are booked to end
    later, and `early` of them left in the month ahead.
    """

    due: int = 0
    kept: int = 0
    ahead: int = 0
    early: int = 0

    @classmethod
    def of(cls, booked: NDArray[np.float64], exit_month: NDArray[np.int64]) -> Self:
        """Count rows, shape (n,) each: months to the booked end, NaN without one, and of exit."""
        left = exit_month == 1
        due, ahead = booked == 1, booked > 1
        counts = (due, due & left, ahead, ahead & left)
        return cls(*(int(count.sum()) for count in counts))

    def __add__(self, other: Self) -> Self:
        """Return the counts of both."""
        return type(self)(
            self.due + other.due,
            self.kept + other.kept,
            self.ahead + other.ahead,
            self.early + other.early,
        )


def fit_booked_ends(counts: EndCounts, *, terms_lapse: bool) -> BookedEnds:
    """Fit on counts of landmark rows, drawn to what is usual where few were booked."""
    kept = (counts.kept + _KEPT_WEIGHT * _USUAL_KEPT) / (counts.due + _KEPT_WEIGHT)
    early = (counts.early + _EARLY_WEIGHT * _USUAL_EARLY) / (counts.ahead + _EARLY_WEIGHT)
    return BookedEnds(kept, early, terms_lapse)
