"""The monthly hazard of leaving: a tenure anchor, events of late, boosted trees, calibrated.

Beside it stand a curve of accelerated failure time, which says more where exits are few, and a
linear hazard by months ahead. What is said is the weighted mean of the survival curves.
"""

from dataclasses import dataclass, replace

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from training.aft import AcceleratedFailureTime, fit_aft
from training.anchor import TenureAnchor
from training.booked_ends import BookedEnds, fit_booked_ends
from training.boosting import (
    Rows,
    fit_trees,
    fit_until_later_rows_say_stop,
    predict_margin,
)
from training.calibration import LogitCalibration, fit_calibration, logit, probability
from training.check import Check
from training.churn_rows import ChurnRows, ChurnSample
from training.fit_errors import CannotBeFittedError
from training.landmark_rows import LandmarkRows
from training.linear_hazard import LinearHazard, few_rows, fit_linear_hazard
from training.person_periods import Matrix, PersonPeriods, expand, inputs_of
from training.recent_events import RecentEvents, fit_recent_events
from valuation.survival import hazard_from_survival, survival_from_hazard

FEWEST_EXITS = 100
"""Below this many exits, or where all fall into one month, churn is predicted from tenure and
booked ends alone, without signals."""
EXITS_OF_EVEN_WEIGHT = 150
"""With so many exits the curve with trees and the one beside it weigh the same."""
LINEAR_WEIGHT = 1 / 3
"""One of three families; weights learned at one cutoff are others at the next."""
_OBJECTIVE = "binary:logistic"


@dataclass(frozen=True)
class HazardModel:
    """Hold what predicts the monthly hazard; without a booster tenure and booked ends alone do.

    `signal_weight` is the weight of the survival curve with trees; the rest is that of `aft`, of
    the anchor where there is none. Where there is a linear hazard it has LINEAR_WEIGHT of all.
    """

    anchor: TenureAnchor
    calibration: LogitCalibration
    longest_month: int
    booked_ends: BookedEnds = BookedEnds()  # noqa: RUF009 -- frozen value
    recent: RecentEvents = RecentEvents()  # noqa: RUF009 -- frozen value
    booster: xgb.Booster | None = None
    signal_weight: float = 1.0
    aft: AcceleratedFailureTime | None = None
    linear: LinearHazard | None = None

    def hazard(
        self, signals: Matrix, clocks: NDArray[np.float64], n_months: int
    ) -> NDArray[np.float64]:
        """Return P(leaving in month k given alive at its start), shape (n_customers, n_months).

        Beyond the longest month trained on, signals act as in that month and the anchor goes on.
        """
        rows = np.repeat(np.arange(len(signals)), n_months)
        month = np.tile(np.arange(1, n_months + 1), len(signals))
        anchor = _anchor_logit(self.anchor, clocks, rows, month)
        alone = probability(anchor).reshape(len(signals), n_months)
        alone = self.booked_ends.hazard(alone, clocks)
        if self.booster is None:
            return alone
        trained = np.minimum(month, self.longest_month)
        inputs = inputs_of(signals, clocks, rows, month)
        inputs[:, signals.shape[1]] = trained
        base = anchor + self.recent.logit(signals, clocks[:, 3], rows, trained)
        raised = self.calibration.logit(predict_margin(self.booster, inputs, base))
        raised_hazard = probability(raised).reshape(alone.shape)
        blended = self._blended(self._beside(alone, signals, clocks), raised_hazard)
        if self.linear is None:
            return hazard_from_survival(blended)
        added = self.linear.logit(signals, clocks, rows, month, self.longest_month)
        linear = self.booked_ends.hazard(probability(anchor + added).reshape(alone.shape), clocks)
        blended = (1 - LINEAR_WEIGHT) * blended + LINEAR_WEIGHT * survival_from_hazard(linear)
        return hazard_from_survival(blended)

    def _beside(
        self, alone: NDArray[np.float64], signals: Matrix, clocks: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        if self.aft is None:
            return alone
        hazard = self._hazard_of_aft(self.aft, signals, alone.shape[1])
        return self.booked_ends.hazard(hazard, clocks)

    def _hazard_of_aft(
        self, aft: AcceleratedFailureTime, signals: Matrix, n_months: int
    ) -> NDArray[np.float64]:
        """Return its hazard, level from the longest month trained on: its tail only ever falls."""
        hazard = hazard_from_survival(aft.survival(signals, self.longest_month))
        month = np.minimum(np.arange(n_months), self.longest_month - 1)
        return hazard[:, month]

    def _blended(
        self, beside: NDArray[np.float64], raised: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the weighted mean of both survival curves."""
        survival = self.signal_weight * survival_from_hazard(raised)
        survival += (1 - self.signal_weight) * survival_from_hazard(beside)
        return survival


def fit_hazard(
    sample: ChurnSample, anchor: TenureAnchor, later_from: int, longest: int, seed: int
) -> tuple[HazardModel, Check | None]:
    """Fit the hazard on a sample, and return it with its check on the later window.

    Parameters
    ----------
    later_from : int
        Months that end after this landmark number make up the later window: it decides when
        boosting stops and calibrates. Then events and trees are refitted on all months. The
        window grows or shrinks until there are exits in it and before it.
    """
    rows, periods = sample.rows, sample.periods
    ends = fit_booked_ends(sample.ends, terms_lapse=sample.terms_lapse)
    bare = HazardModel(anchor, LogitCalibration(), longest, ends)
    if sample.n_exits < FEWEST_EXITS:
        return bare, None
    training = _training_rows(rows, anchor, periods)
    month_ends = rows.landmark[periods.landmark_row] + periods.month
    of_exits = month_ends[periods.left]
    if of_exits.min() == of_exits.max():
        return bare, None
    later_from = int(np.clip(later_from, of_exits.min(), of_exits.max() - 1))
    is_later = month_ends > later_from
    _, then = _with_recent(training, sample, ~is_later)
    earlier, later = then.only(~is_later), then.only(is_later)
    stopped = fit_until_later_rows_say_stop(earlier, later, _OBJECTIVE, seed)
    calibration = fit_calibration(stopped.later_margin, later.outcome, later.weight)
    recent, training = _with_recent(training, sample, np.ones_like(is_later))
    booster = fit_trees(training, stopped.n_trees, _OBJECTIVE, seed)
    raised = calibration.logit(stopped.later_margin)
    check = Check("hazard", probability(raised), later.outcome, later.weight)
    weight = sample.n_exits / (sample.n_exits + EXITS_OF_EVEN_WEIGHT)
    beside = rows.only(sample.beside)
    aft, linear = _fit_aft(beside, seed), _fit_linear(beside, anchor, later_from, longest)
    raising = replace(bare, recent=recent, booster=booster, calibration=calibration)
    return replace(raising, signal_weight=weight, aft=aft, linear=linear), check


def _with_recent(
    training: Rows, sample: ChurnSample, is_known: NDArray[np.bool_]
) -> tuple[RecentEvents, Rows]:
    """Return effects of events fitted on periods that are known, and rows with them as anchor."""
    rows, periods = sample.rows, sample.periods
    known = replace(periods, weight=periods.weight * is_known)
    booked = rows.clocks[:, 3]
    recent = fit_recent_events(sample.event_columns, rows.signals, booked, known, training.anchor)
    added = recent.logit(rows.signals, booked, periods.landmark_row, periods.month)
    return recent, replace(training, anchor=training.anchor + added)


def _fit_aft(rows: ChurnRows, seed: int) -> AcceleratedFailureTime | None:
    seen = LandmarkRows(rows.signals, rows.exit_month, rows.months_observed)
    try:
        return fit_aft(seen, seed)
    except CannotBeFittedError:
        return None


def _fit_linear(
    beside: ChurnRows, anchor: TenureAnchor, later_from: int, longest: int
) -> LinearHazard | None:
    if (beside.exit_month > 0).sum() < FEWEST_EXITS:
        return None
    rows = few_rows(beside)
    periods = expand(rows.exit_month, rows.months_observed, longest)
    of_tenure = _anchor_logit(anchor, rows.clocks, periods.landmark_row, periods.month)
    return fit_linear_hazard(rows, periods, of_tenure, later_from)


def _training_rows(rows: ChurnRows, anchor: TenureAnchor, periods: PersonPeriods) -> Rows:
    row, month = periods.landmark_row, periods.month
    return Rows(
        inputs_of(rows.signals, rows.clocks, row, month),
        _anchor_logit(anchor, rows.clocks, row, month),
        periods.left.astype(np.float64),
        periods.weight,
    )


def _anchor_logit(
    anchor: TenureAnchor,
    clocks: NDArray[np.float64],
    rows: NDArray[np.int64],
    month: NDArray[np.int64],
) -> NDArray[np.float64]:
    return logit(anchor.hazard(clocks[rows, 0] + month))
