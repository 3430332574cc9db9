"""A linear hazard whose coefficients change with the months ahead.

In month k ahead the logit of the hazard is the anchor's plus

    level(k) + r due(k) + sum over inputs x of (b_x + d_x(k)) x / sqrt(f(k))

where x are squashed signals and marks of gaps, due(k) says that a renewal falls into month k, and
level and d are constant within bands of months ahead, f(k) being the first month of the band: a
landmark model whose effects change with the horizon, after van Houwelingen and Putter (2012),
"Dynamic Prediction in Clinical Survival Analysis". The prior of b is normal around 0, that of d
half as wide. What wears off within months (a failed payment, a week of silence) has its place here,
and what is said of next month takes little from what is said of next year. Months far ahead are
seen from few landmarks, so that the root holds their effects near 0 until there is much to say.
Beside trees it errs elsewhere, so that the mean of both is better than either.

A customer's month is seen from every landmark before it; together they weigh as much as one look.
Counted in full, one year would pass for several, and the prior for narrower than it need be.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from training.bands import BANDS, band_of
from training.churn_rows import ChurnRows, draws
from training.person_periods import Matrix, PersonPeriods, is_renewal_due
from training.squashing import Squashing, fit_squashing
from valuation.arrays import weighted_row_sums

Values = NDArray[np.float64]
MOST_ROWS = 40_000
"""Of so many landmark rows it is fitted, about, at most."""
_DEVIATIONS = (0.02, 0.05, 0.1, 0.2)
"""Prior standard deviations of b to choose from."""
_OF_BANDS = 0.5
_WORN_OFF = np.array(BANDS) ** -0.5
_LEVEL_DEVIATION = 10.0
_UNIT_OF_LEVEL = 0.3
_RENEWAL_DEVIATION = 1.0
_SEED = 1
_TOLERANCE = 1e-6
_MOST_STEPS = 200


@dataclass(frozen=True)
class LinearHazard:
    """Hold effects (n_bands, 1 + n_inputs), the level of a band first; and that of a renewal."""

    squashing: Squashing
    effects: Values
    renewal: float

    def logit(
        self,
        signals: Matrix,
        clocks: Values,
        row: NDArray[np.int64],
        month: NDArray[np.int64],
        longest: int,
    ) -> Values:
        """Return what is added to the anchor's logit, shape (n_periods,).

        `row` and `month` are those of `inputs_of`; beyond `longest` months ahead effects are those
        of that month, and renewals go on.
        """
        inputs = _with_level(self.squashing, signals)
        added = np.column_stack([weighted_row_sums(inputs, effects) for effects in self.effects])
        of_signals = added[row, band_of(np.minimum(month, longest))]
        return of_signals + self.renewal * is_renewal_due(clocks[row], month)


def few_rows(rows: ChurnRows) -> ChurnRows:
    """Return the rows to fit on: all, or about MOST_ROWS that only customer and landmark settle."""
    drawn = draws(rows.customer, rows.landmark, np.zeros_like(rows.landmark), _SEED)
    return rows.only(drawn < MOST_ROWS / max(len(drawn), 1))


def fit_linear_hazard(
    rows: ChurnRows, periods: PersonPeriods, anchor: Values, later_from: int
) -> LinearHazard:
    """Fit under the prior with which earlier months say most about those of the later window.

    Parameters
    ----------
    rows : ChurnRows
        Those of `few_rows`.
    periods : PersonPeriods
        Their months at risk; where an end is booked nothing is learned.
    anchor : (n_periods,)
        The anchor's logit.
    later_from : int
        Months that end after this landmark number make up the later window.
    """
    row, month = periods.landmark_row, periods.month
    squashing = fit_squashing(rows.signals)
    seen = _Seen(
        _with_level(squashing, rows.signals),
        row * len(BANDS) + band_of(month),
        is_renewal_due(rows.clocks[row], month),
        anchor,
        periods.left,
        np.where(np.isnan(rows.clocks[row, 3]), periods.weight / _looks(rows, periods), 0.0),
    )
    is_later = rows.landmark[row] + month > later_from
    earlier, later = seen.only(~is_later), seen.only(is_later)
    losses = [later.loss(later.score(*_fit(earlier, prior))) for prior in _DEVIATIONS]
    return LinearHazard(squashing, *_fit(seen, _DEVIATIONS[int(np.argmin(losses))]))


def _looks(rows: ChurnRows, periods: PersonPeriods) -> NDArray[np.int64]:
    """Return from how many landmarks the same month of the same customer is seen, by period."""
    _, customer = np.unique(rows.customer, return_inverse=True)
    at = rows.landmark[periods.landmark_row] + periods.month
    at -= at.min(initial=0)
    seen = customer[periods.landmark_row] * (at.max(initial=0) + 1) + at
    looks: NDArray[np.int64] = np.bincount(seen)[seen]
    return looks


@dataclass(frozen=True)
class _Seen:
    """Hold inputs (n_rows, 1 + n_inputs), and months at risk; `cell` is row x n_bands + band."""

    inputs: Values
    cell: NDArray[np.int64]
    is_due: NDArray[np.bool_]
    anchor: Values
    left: NDArray[np.bool_]
    weight: Values

    def only(self, kept: NDArray[np.bool_]) -> "_Seen":
        """Return the same with the months that are kept."""
        return replace(self, weight=self.weight * kept)

    def score(self, effects: Values, renewal: float) -> Values:
        """Return the logit of each month."""
        return self.anchor + (self.inputs @ effects.T).ravel()[self.cell] + renewal * self.is_due

    def loss(self, score: Values) -> float:
        """Return minus the log-likelihood."""
        return float(self.weight @ (np.logaddexp(0, score) - self.left * score))

    def slope(self, score: Values) -> tuple[Values, float]:
        """Return the slope of the loss, along effects and along that of a renewal."""
        missed = self.weight * (expit(score) - self.left)
        by_cell = np.bincount(self.cell, missed, len(self.inputs) * len(BANDS))
        return by_cell.reshape(-1, len(BANDS)).T @ self.inputs, float(missed @ self.is_due)


def _fit(seen: _Seen, deviation: float) -> tuple[Values, float]:
    """Return effects and that of a renewal, by penalised maximum likelihood.

    What is searched is one row of b and one of d for each band, and r, each in units of about
    what is expected of it, so that all are of one size.
    """
    shape = 1 + len(BANDS), seen.inputs.shape[1]
    units = np.full(shape, deviation * _OF_BANDS)
    units[0] = deviation
    units[:, 0] = _UNIT_OF_LEVEL
    precision = np.ones(shape)
    precision[:, 0] = (_UNIT_OF_LEVEL / _LEVEL_DEVIATION) ** 2
    precisions = np.append(precision.ravel(), 1.0)
    worn_off = np.repeat(_WORN_OFF[:, None], shape[1], axis=1)
    worn_off[:, 0] = 1.0
    exits = max(float(seen.weight @ seen.left), 1.0)

    def effects_of(flat: Values) -> tuple[Values, float]:
        parts = flat[:-1].reshape(shape) * units
        return (parts[0] + parts[1:]) * worn_off, float(flat[-1] * _RENEWAL_DEVIATION)

    def loss(flat: Values) -> tuple[float, Values]:
        score = seen.score(*effects_of(flat))
        of_effects, of_renewal = seen.slope(score)
        of_bands = of_effects * worn_off
        of_parts = np.vstack([of_bands.sum(axis=0), of_bands]) * units
        slope = np.append(of_parts, of_renewal * _RENEWAL_DEVIATION)
        prior = float(precisions @ np.square(flat)) / 2
        return (seen.loss(score) + prior) / exits, (slope + precisions * flat) / exits

    start = np.zeros(len(precisions))
    best = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"ftol": _TOLERANCE, "gtol": _TOLERANCE, "maxiter": _MOST_STEPS},
    )
    return effects_of(best.x)


def _with_level(squashing: Squashing, signals: Matrix) -> Values:
    return np.column_stack([np.ones(len(signals)), squashing.inputs(signals)])


def linear_as_json(linear: LinearHazard | None) -> dict[str, Any] | None:
    """Return it as a bundle keeps it."""
    if linear is None:
        return None
    squashing = {name: array.tolist() for name, array in vars(linear.squashing).items()}
    return {"effects": linear.effects.tolist(), "renewal": linear.renewal} | squashing


def linear_from_json(parts: dict[str, Any] | None) -> LinearHazard | None:
    """Return it as a bundle kept it."""
    if parts is None:
        return None
    arrays = (np.array(parts[name]) for name in ("centre", "spread", "has_gaps"))
    return LinearHazard(Squashing(*arrays), np.array(parts["effects"]), parts["renewal"])
