"""How a version has done since it was trained, on the months that are over.

It is asked what it said at its own cutoff of all the months that are over by now, and what it says
of the latest month alone. Months that are not over count for nothing: who is still there in one
of them may yet leave.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from features.instants import datetime_of
from features.log import Log
from features.months import months_that_fit, shift_months
from training.backtest import judged_at, metrics_of
from training.backtest_plan import PRODUCT, BacktestPlan
from training.bundle import Bundle

MOST_MONTHS = 12
SLACK = 0.1
"""Exits may differ by so much from those predicted without being called a loss of calibration."""


@dataclass(frozen=True)
class Realised:
    """Hold what a version predicted from a cutoff on, and what came, over finished months.

    `p_value` is that of as many exits or as few, were every probability right (a normal
    approximation to independent exits); 1 where they differ by less than SLACK. `metrics` are
    those of the contract for churn, value and intervals.
    """

    cutoff: int
    months: int
    predicted: float
    came: int
    p_value: float
    metrics: tuple[dict[str, Any], ...]

    def as_row(self) -> dict[str, Any]:
        """Return it as JSON gives it."""
        metrics = [row for row in self.metrics if row["model"] == PRODUCT]
        return {
            "cutoff": datetime_of(self.cutoff).isoformat(),
            "months": self.months,
            "exits_predicted": self.predicted,
            "exits_came": self.came,
            "p_value": self.p_value,
            "metrics": metrics,
        }


def realised_since(bundle: Bundle, log: Log, until: int) -> list[Realised]:
    """Judge a version from its cutoff on, and on the latest month; empty if none is over.

    `until` is to when outcomes are complete, in microseconds.
    """
    month = bundle.business.month
    months = min(MOST_MONTHS, months_that_fit(bundle.cutoff, until, month))
    if not months:
        return []
    origins = [(bundle.cutoff, months)]
    if months > 1:
        origins.append((int(shift_months(until, -1, month)), 1))
    return [_realised(bundle, log, cutoff, ahead, until) for cutoff, ahead in origins]


def _realised(bundle: Bundle, log: Log, cutoff: int, months: int, until: int) -> Realised:
    plan = BacktestPlan((cutoff,), (months,), until)
    predictions = judged_at(bundle, log, cutoff, plan).predictions
    own = predictions[predictions["model"] == PRODUCT]
    metrics = tuple(metrics_of(own)) if len(own) else ()
    predicted, came = float(own["churn_probability"].sum()), int(own["churned"].sum())
    return Realised(cutoff, months, predicted, came, _p_value(own), metrics)


def _p_value(own: pd.DataFrame) -> float:
    said, came = own["churn_probability"].to_numpy(float), float(own["churned"].sum())
    predicted = float(said.sum())
    if abs(came - predicted) <= SLACK * predicted:
        return 1.0
    error = float(np.sqrt((said * (1 - said)).sum()))
    return float(2 * norm.sf(abs(came - predicted) / error)) if error else 0.0
