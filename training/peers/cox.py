"""Cox's proportional hazards on the signals at a landmark, with a ridge.

Cox (1972), "Regression Models and Life-Tables", JRSS B 34(2); ties and baseline after Breslow
(1974), "Covariance Analysis of Censored Survival Data", Biometrics 30(1). Months since the
landmark are the clock, so that everybody is at risk from the start.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from training.fit_errors import CannotBeFittedError
from training.landmark_rows import LandmarkRows
from training.person_periods import Matrix
from training.squashing import Squashing, fit_squashing

Values = NDArray[np.float64]
FEWEST_EXITS = 20
_DEVIATIONS = (0.01, 0.03, 0.1)
"""Prior standard deviations of a coefficient to choose from."""
_TAIL_MONTHS = 3
_LARGEST_LOG_HAZARD = 20.0


@dataclass(frozen=True)
class Cox:
    """Hold coefficients and the baseline's hazard by month ahead, the last of which goes on."""

    squashing: Squashing
    coefficients: Values
    baseline: Values

    def survival(self, signals: Matrix, n_months: int) -> Values:
        """Return P(there after k months), shape (n, n_months): exp(-H(k) exp(x b))."""
        month = np.minimum(np.arange(n_months), len(self.baseline) - 1)
        score = self.squashing.inputs(signals) @ self.coefficients
        hazard = np.exp(np.minimum(score, _LARGEST_LOG_HAZARD))
        return np.exp(-hazard[:, None] * np.cumsum(self.baseline[month]))


def fit_cox(rows: LandmarkRows) -> Cox:
    """Fit with the ridge under which earlier rows say most about the latest landmark.

    Raises
    ------
    CannotBeFittedError
        If fewer than 20 exits were seen.
    """
    if rows.is_exit.sum() < FEWEST_EXITS:
        raise CannotBeFittedError(
            f"{rows.is_exit.sum()} exits were seen after landmarks; at least {FEWEST_EXITS} needed."
        )
    earlier, later = rows.earlier_and_later()
    deviation = _DEVIATIONS[0]
    if earlier.is_exit.sum() >= FEWEST_EXITS:
        months = int(later.months_observed.max())
        tried = [_fit(earlier, deviation) for deviation in _DEVIATIONS]
        losses = [later.log_loss(cox.survival(later.signals, months)) for cox in tried]
        deviation = _DEVIATIONS[int(np.argmin(losses))]
    return _fit(rows, deviation)


def _fit(rows: LandmarkRows, deviation: float) -> Cox:
    squashing = fit_squashing(rows.signals)
    inputs = squashing.inputs(rows.signals)
    coefficients = cox_coefficients(inputs, rows.last_month, rows.is_exit, deviation)
    risk = np.exp(np.minimum(inputs @ coefficients, _LARGEST_LOG_HAZARD))
    at_risk = np.cumsum(np.bincount(rows.last_month, risk)[::-1])[::-1][1:]
    exits = np.bincount(rows.exit_month, minlength=len(at_risk) + 1)[1:]
    tail = exits[-_TAIL_MONTHS:].sum() / at_risk[-_TAIL_MONTHS:].sum()
    return Cox(squashing, coefficients, np.append(exits / at_risk, tail))


def cox_coefficients(
    inputs: Values, last_month: NDArray[np.int64], is_exit: NDArray[np.bool_], deviation: float
) -> Values:
    """Return coefficients that maximise Breslow's partial likelihood under a normal prior.

    Parameters
    ----------
    inputs : (n, n_inputs)
    last_month, is_exit : (n,)
        Months at risk, from 1, and whether they ended in an exit.
    deviation : float
        The prior's standard deviation.
    """
    exits = np.bincount(last_month[is_exit], minlength=int(last_month.max()) + 1)
    of_exits = inputs[is_exit].sum(axis=0)

    def loss(coefficients: Values) -> tuple[float, Values]:
        score = inputs @ coefficients
        largest = score.max()
        risk = np.exp(score - largest)
        at_risk = np.cumsum(np.bincount(last_month, risk)[::-1])[::-1]
        fit = score[is_exit].sum() - exits @ (np.log(at_risk) + largest)
        share = np.cumsum(exits / at_risk)[last_month]
        slope = of_exits - inputs.T @ (risk * share)
        prior = coefficients / deviation**2
        n = len(score)
        return -(fit - coefficients @ prior / 2) / n, -(slope - prior) / n

    start = np.zeros(inputs.shape[1])
    return minimize(loss, start, jac=True, method="L-BFGS-B").x
