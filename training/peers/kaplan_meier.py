"""The Kaplan-Meier estimate by day of tenure, and how it goes on where few were seen.

Kaplan and Meier (1958), "Nonparametric Estimation from Incomplete Observations", JASA 53; with
customers at risk from the tenure at which they were first seen (left truncation).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.anchor import TenureCounts
from training.fit_errors import CannotBeFittedError

Values = NDArray[np.float64]
Days = NDArray[np.int64]
ONE_DAY = 1.0
"""The month, in days, by which tenures are counted here."""
FEWEST_AT_RISK = 30
"""Days of tenure with fewer customers at risk have one rate in common."""
_TAIL_DAYS = 365
_LARGEST_HAZARD = 1 - 1e-9


@dataclass(frozen=True)
class KaplanMeier:
    """Hold P(leaving on day t | there at its start), shape (n_days,), and the rate after them."""

    hazard: Values
    later_hazard: float

    def survival(self, tenure_days: Days, days_ahead: Days) -> Values:
        """Return P(there after so many days | there now), shape (n_customers, len(days_ahead))."""
        log_stay = np.log1p(-np.minimum(self.hazard, _LARGEST_HAZARD))
        log_survival = np.concatenate([[0.0], np.cumsum(log_stay)])
        last = len(self.hazard)
        until = tenure_days[:, None] + days_ahead
        inside = np.minimum(until, last), np.minimum(tenure_days, last)[:, None]
        beyond = (until - tenure_days[:, None]) - (inside[0] - inside[1])
        log_later = np.log1p(-min(self.later_hazard, _LARGEST_HAZARD))
        return np.exp(log_survival[inside[0]] - log_survival[inside[1]] + beyond * log_later)


def fit_kaplan_meier(by_day: TenureCounts) -> KaplanMeier:
    """Return exits over customers at risk by day of tenure.

    After the longest tenure well seen goes on the rate of the year before it.

    Raises
    ------
    CannotBeFittedError
        If no day of tenure has enough customers at risk.
    """
    seen = by_day.at_risk >= FEWEST_AT_RISK
    if not seen.any():
        raise CannotBeFittedError(f"no day of tenure had {FEWEST_AT_RISK} customers at risk.")
    last = int(np.flatnonzero(seen)[-1]) + 1
    at_risk, exits = by_day.at_risk[:last], by_day.exits[:last]
    few = ~seen[:last]
    hazard = exits / np.maximum(at_risk, 1)
    hazard[few] = exits[few].sum() / max(at_risk[few].sum(), 1)
    later_hazard = exits[-_TAIL_DAYS:].sum() / at_risk[-_TAIL_DAYS:].sum()
    return KaplanMeier(hazard, float(later_hazard))
