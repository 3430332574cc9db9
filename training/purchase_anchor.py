"""The parametric anchor of purchase counts: MBG/NBD, and BG/NBD beside it.

While active a customer buys at a Poisson rate, gamma distributed over customers with shape r and
rate alpha (1/week); after a purchase he drops out with a beta(a, b) distributed probability.
BG/NBD (Fader, Hardie and Lee 2005, Marketing Science 24(2)) lets nobody drop out at the first
purchase; MBG/NBD (Batislam, Denizel and Filiztekin 2007, IJRM 24(3)) does, so that one-time
buyers may be gone too.

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
    """Hold a fitted model; `may_drop_at_first` tells MBG/NBD from BG/NBD."""

    r: float
    alpha: float
    a: float
    b: float
    may_drop_at_first: bool = True

    def alive(self, rhythm: Rhythm) -> Floats:
        """Return P(still active), shape (n,)."""
        return 1 / (1 + self._odds_gone(rhythm))

    def expected_purchases(self, rhythm: Rhythm, weeks: Floats) -> Floats:
        """Return E[purchases in the coming weeks], shape (n, len(weeks)).

        Equation 10 of Fader, Hardie and Lee (2005); for MBG/NBD with x + 1 chances to drop out.
        """
        chances = self._chances(rhythm)[:, None]
        x, age = rhythm.x[:, None], rhythm.age[:, None]
        a = self.a if abs(self.a - 1) > _NEAR_POLE else 1 + _NEAR_POLE
        c = a + self.b + chances - 1
        # The limit at c = 0 is finite, as it is at a = 1; their formulas are not.
        c = np.where(np.abs(c) < _NEAR_POLE, _NEAR_POLE, c)
        z = weeks / (self.alpha + age + weeks)
        shrinking = np.power((self.alpha + age) / (self.alpha + age + weeks), self.r + x)
        inner = 1 - shrinking * hyp2f1(self.r + x, self.b + chances, c, z)
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
        chances = self._chances(rhythm)
        stayed = betaln(self.a, self.b + chances) - betaln(self.a, self.b)
        stayed -= (r + x) * np.log(alpha + rhythm.age)
        return common + stayed + np.log1p(self._odds_gone(rhythm))

    def _chances(self, rhythm: Rhythm) -> Floats:
        return rhythm.x + (1.0 if self.may_drop_at_first else 0.0)

    def _odds_gone(self, rhythm: Rhythm) -> Floats:
        chances = self._chances(rhythm)
        log_ratio = np.log(self.alpha + rhythm.age) - np.log(self.alpha + rhythm.t_x)
        odds = self.a / (self.b + np.maximum(chances, 1) - 1)
        odds = odds * np.exp((self.r + rhythm.x) * log_ratio)
        return np.where(chances > 0, odds, 0.0)


def fit_purchase_anchor(rhythm: Rhythm, *, may_drop_at_first: bool = True) -> PurchaseAnchor:
    """Fit by maximum likelihood from two starts; the parameters stay within e^-8 and e^8."""

    def loss(log_parameters: Floats) -> float:
        r, alpha, a, b = np.exp(log_parameters)
        anchor = PurchaseAnchor(r, alpha, a, b, may_drop_at_first)
        return -float(anchor.log_likelihood(rhythm).mean())

    bounds = [(-_LOG_BOUND, _LOG_BOUND)] * 4
    starts = (np.zeros(4), np.log([0.5, max(float(np.median(rhythm.age)) / 4, 0.1), 0.5, 3.0]))
    found = [minimize(loss, start, method="L-BFGS-B", bounds=bounds) for start in starts]
    best = min(found, key=lambda result: float(result.fun))
    r, alpha, a, b = (float(value) for value in np.exp(best.x))
    return PurchaseAnchor(r, alpha, a, b, may_drop_at_first)
