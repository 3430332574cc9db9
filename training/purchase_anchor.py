"""The parametric anchor of purchase counts: BG/NBD.

While active a customer buys at a Poisson rate, gamma distributed over customers with shape r and
rate alpha (1/week); after a repeat purchase he drops out with a beta(a, b) distributed probability
(Fader, Hardie and Lee 2005, "Counting Your Customers" the Easy Way, Marketing Science 24(2)).

x is the number of repeat purchases, t_x the age at the latest one, T the age now; in weeks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

_LOG_BOUND = 8.0
_NEAR_POLE = 1e-6
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rhythm:
    """Hold repeat purchases x, age at the latest t_x and age T in weeks, shape (n,) each."""

    x: Floats
    t_x: Floats
    age: Floats


@dataclass(frozen=True)
class PurchaseAnchor:
    """Hold a fitted model."""

    r: float
    alpha: float
    a: float
    b: float

    def alive(self, rhythm: Rhythm) -> Floats:
        """Return P(still active), shape (n,)."""
        return 1 / (1 + self._odds_gone(rhythm))

    def expected_purchases(self, rhythm: Rhythm, weeks: Floats) -> Floats:
        """Return E[purchases in the coming weeks], shape (n, len(weeks)).

        Equation 10 of Fader, Hardie and Lee (2005).
        """
        x, age = rhythm.x[:, None], rhythm.age[:, None]
        a = self.a if abs(self.a - 1) > _NEAR_POLE else 1 + _NEAR_POLE
        c = a + self.b + x - 1
        # The limit at c = 0 is finite, as it is at a = 1; their formulas are not.
        c = np.where(np.abs(c) < _NEAR_POLE, _NEAR_POLE, c)
        z = weeks / (self.alpha + age + weeks)
        shrinking = np.power((self.alpha + age) / (self.alpha + age + weeks), self.r + x)
        inner = 1 - shrinking * hyp2f1(self.r + x, self.b + x, c, z)
        return c / (a - 1) * inner * self.alive(rhythm)[:, None]

    def no_purchase(self, rhythm: Rhythm, weeks: Floats) -> Floats:
        """Return P(no purchase in the coming weeks), shape (n, len(weeks)).

        An active customer stays so until the next purchase, so that only the rate matters.
        """
        age = self.alpha + rhythm.age[:, None]
        silent = np.power(age / (age + weeks), self.r + rhythm.x[:, None])
        return 1 - self.alive(rhythm)[:, None] * (1 - silent)

    def log_likelihood(self, rhythm: Rhythm) -> Floats:
        """Return each customer's log-likelihood, shape (n,)."""
        r, alpha, x = self.r, self.alpha, rhythm.x
        common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        stayed = betaln(self.a, self.b + x) - betaln(self.a, self.b)
        stayed -= (r + x) * np.log(alpha + rhythm.age)
        return common + stayed + np.log1p(self._odds_gone(rhythm))

    def _odds_gone(self, rhythm: Rhythm) -> Floats:
        log_ratio = np.log(self.alpha + rhythm.age) - np.log(self.alpha + rhythm.t_x)
        odds = self.a / (self.b + np.maximum(rhythm.x, 1) - 1)
        odds = odds * np.exp((self.r + rhythm.x) * log_ratio)
        return np.where(rhythm.x > 0, odds, 0.0)


def fit_purchase_anchor(rhythm: Rhythm) -> PurchaseAnchor:
    """Fit by maximum likelihood from two starts; the parameters stay within e^-8 and e^8."""

    def loss(log_parameters: Floats) -> float:
        return -float(PurchaseAnchor(*np.exp(log_parameters)).log_likelihood(rhythm).mean())

    bounds = [(-_LOG_BOUND, _LOG_BOUND)] * 4
    starts = (np.zeros(4), np.log([0.5, max(float(np.median(rhythm.age)) / 4, 0.1), 0.5, 3.0]))
    found = [minimize(loss, start, method="L-BFGS-B", bounds=bounds) for start in starts]
    best = min(found, key=lambda result: float(result.fun))
    return PurchaseAnchor(*(float(value) for value in np.exp(best.x)))
