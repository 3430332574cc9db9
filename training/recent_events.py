"""What happened of late: how the hazard of leaving looks while an event is fresh.

In month k ahead the logit of the hazard is the anchor's plus

    level(k) + sum over events e of effect_e(k) exp(-days_e / 90)

where days_e are the days since the latest event of kind e, endless where there was none, and
effects are constant within bands of months ahead: landmark effects that change with the horizon,
after van Houwelingen and Putter (2012), "Dynamic Prediction in Clinical Survival Analysis". A
downgrade is rare among all that trees look at, and its effect comes after the month of notice and
fades: a few effects with a prior of their own find what trees do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from features.expressions import DaysSince
from features.signal import Signal
from training.bands import BANDS, band_of
from training.person_periods import Matrix, PersonPeriods
from valuation.arrays import weighted_row_sums

Values = NDArray[np.float64]
FRESH_DAYS = 90.0
"""After so many days an event is worth 1 / e of what it was."""
EFFECT_DEVIATION = 0.35
"""The prior's standard deviation of an effect on the logit: few of them double the odds."""
_LEVEL_DEVIATION = 10.0


@dataclass(frozen=True)
class RecentEvents:
    """Hold which signals are days since an event, and their effects.

    `effects` (n_bands, 1 + n_events): the level of a band first, which keeps the mean where the
    anchor has it. Effects are not below 0: these events are declared to raise the risk.
    """

    columns: tuple[int, ...] = ()
    effects: Values = field(default_factory=lambda: np.zeros((len(BANDS), 1)))

    def logit(
        self, signals: Matrix, booked_end: Values, row: NDArray[np.int64], month: NDArray[np.int64]
    ) -> Values:
        """Return what is added to the anchor's logit, shape (n_periods,).

        Parameters
        ----------
        signals : (n_rows, n_signals)
        booked_end : (n_rows,)
            Month ahead of a booked end, NaN without one; where one is booked nothing is added.
        row, month : (n_periods,)
            Each period's row, and its month ahead.
        """
        inputs = _inputs(signals, self.columns)
        added = np.column_stack([weighted_row_sums(inputs, effects) for effects in self.effects])
        added[~np.isnan(booked_end)] = 0.0
        return added[row, band_of(month)]


def event_columns(signals: Sequence[Signal]) -> tuple[int, ...]:
    """Return where days since an event stand that is declared to raise the risk while fresh."""
    return tuple(
        column
        for column, signal in enumerate(signals)
        if isinstance(signal.expression, DaysSince) and signal.risk == "falls"
    )


def fit_recent_events(
    columns: tuple[int, ...],
    signals: Matrix,
    booked_end: Values,
    periods: PersonPeriods,
    anchor: Values,
) -> RecentEvents:
    """Fit effects by penalised maximum likelihood on person-periods without a booked end.

    Parameters
    ----------
    columns : tuple of int
        Those of `event_columns`.
    signals, booked_end : (n_rows, n_signals), (n_rows,)
    anchor : (n_periods,)
        The anchor's logit.
    """
    rows, place = np.unique(periods.landmark_row, return_inverse=True)
    inputs = _inputs(signals[rows], columns)
    weight = np.where(np.isnan(booked_end[rows])[place], periods.weight, 0.0)
    shape = len(BANDS), inputs.shape[1]
    cell = place * len(BANDS) + band_of(periods.month)
    precision = np.full(inputs.shape[1], EFFECT_DEVIATION**-2)
    precision[0] = _LEVEL_DEVIATION**-2
    total = max(weight.sum(), 1.0)

    def loss(flat: Values) -> tuple[float, Values]:
        effects = flat.reshape(shape)
        score = anchor + (inputs @ effects.T).ravel()[cell]
        fit = weight @ (np.logaddexp(0, score) - periods.left * score)
        missed = np.bincount(
            cell, weight * (expit(score) - periods.left), len(rows) * len(BANDS)
        ).reshape(-1, len(BANDS))
        slope = missed.T @ inputs + precision * effects
        prior = (precision * np.square(effects)).sum() / 2
        return float(fit + prior) / total, slope.ravel() / total

    bounds = [(None, None), *[(0.0, None)] * len(columns)] * len(BANDS)
    best = minimize(loss, np.zeros(np.prod(shape)), jac=True, method="L-BFGS-B", bounds=bounds)
    effects = best.x.reshape(shape)
    effects[:, 0] = 0.0
    raised = weight * np.exp((inputs @ effects.T).ravel()[cell])
    mean, there = (np.bincount(band_of(periods.month), w, len(BANDS)) for w in (raised, weight))
    effects[:, 0] = -np.log(np.divide(mean, there, out=np.ones(len(BANDS)), where=there > 0))
    return RecentEvents(columns, effects)


def _inputs(signals: Matrix, columns: tuple[int, ...]) -> Values:
    """Return 1 and how fresh each event is, from 0 (never) to 1 (now), shape (n, 1 + n_events)."""
    days = np.take(signals, np.array(columns, dtype=np.int64), axis=1).astype(np.float64)
    return np.column_stack([np.ones(len(signals)), np.nan_to_num(np.exp(-days / FRESH_DAYS))])
