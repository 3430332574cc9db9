"""The shifted beta-geometric model of Fader and Hardie (2007).

"How to Project Customer Retention", Journal of Interactive Marketing 21(1). A customer leaves at
the end of each period with a probability of his own, beta(alpha, beta) distributed over customers:
P(leaving in period t | there at its start) = alpha / (alpha + beta + t - 1), t from 1, and
S(t) = B(alpha, beta + t) / B(alpha, beta).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln

from training.anchor import TenureCounts
from training.fit_errors import CannotBeFittedError

Values = NDArray[np.float64]
_LOG_BOUND = 10.0


@dataclass(frozen=True)
class ShiftedBetaGeometric:
    """Hold alpha and beta."""

    alpha: float
    beta: float

    def survival(self, tenure_months: Values, n_months: int) -> Values:
        """Return P(there k months on | there now), shape (n_customers, n_months): S(t+k) / S(t)."""
        now = self.beta + tenure_months[:, None]
        ahead = betaln(self.alpha, now + np.arange(1, n_months + 1))
        return np.exp(ahead - betaln(self.alpha, now))


def fit_sbg(counts: TenureCounts) -> ShiftedBetaGeometric:
    """Fit by maximum likelihood; customers count from the tenure at which they were first seen.

    Raises
    ------
    CannotBeFittedError
        If nobody left.
    """
    if not counts.exits.sum():
        raise CannotBeFittedError("no exits were seen.")
    before = np.arange(len(counts.at_risk), dtype=np.float64)
    stayed = counts.at_risk - counts.exits

    def loss(log_parameters: Values) -> float:
        alpha, beta = np.exp(log_parameters)
        fit = counts.exits * np.log(alpha) + stayed * np.log(beta + before)
        fit -= counts.at_risk * np.log(alpha + beta + before)
        return -float(fit.sum() / counts.at_risk.sum())

    bounds = [(-_LOG_BOUND, _LOG_BOUND)] * 2
    alpha, beta = np.exp(minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=bounds).x)
    return ShiftedBetaGeometric(float(alpha), float(beta))
