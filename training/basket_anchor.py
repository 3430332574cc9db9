"""The parametric anchor of basket value: the Gamma-Gamma model.

A customer's baskets are gamma distributed around a mean of his own, and those means vary over
customers (Fader and Hardie 2013, "The Gamma-Gamma Model of Monetary Value").
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln

Floats = NDArray[np.float64]
_LOG_BOUND = 8.0


@dataclass(frozen=True)
class BasketAnchor:
    """Hold p, q and gamma of the model; gamma is in money."""

    p: float
    q: float
    gamma: float

    def expected_basket(self, purchases: Floats, mean_basket: Floats) -> Floats:
        """Return the expected mean basket, shape (n,): the own mean drawn to the portfolio's.

        E = p (gamma + x m) / (p x + q - 1), x purchases of mean m.
        """
        q = max(self.q, 1 + 1e-6)
        return self.p * (self.gamma + purchases * mean_basket) / (self.p * purchases + q - 1)


def fit_basket_anchor(purchases: Floats, mean_basket: Floats) -> BasketAnchor:
    """Fit by maximum likelihood on customers with a positive mean basket, shape (n,) each.

    Raises
    ------
    ValueError
        If no customer has one.
    """
    positive = mean_basket > 0
    if not positive.any():
        raise ValueError("no customer has a basket of positive value; expected at least one.")
    x, mean = purchases[positive], mean_basket[positive]
    level = float(mean.mean())

    def loss(log_parameters: Floats) -> float:
        p, q, gamma = np.exp(log_parameters)
        fit = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma)
        fit += (p * x - 1) * np.log(mean / level) + p * x * np.log(x)
        return -float((fit - (p * x + q) * np.log(gamma + x * mean / level)).mean())

    bounds = [(-_LOG_BOUND, _LOG_BOUND), (1e-3, _LOG_BOUND), (-_LOG_BOUND, _LOG_BOUND)]
    best = minimize(loss, np.log([2.0, 3.0, 2.0]), method="L-BFGS-B", bounds=bounds)
    p, q, gamma = np.exp(best.x)
    return BasketAnchor(float(p), float(q), float(gamma * level))
