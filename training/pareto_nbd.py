"""The Pareto/NBD model of Schmittlein, Morrison and Colombo (1987), Management Science 33(1).

While active a customer buys at a Poisson rate, gamma(r, alpha) distributed over customers, and
drops out at an exponential rate, gamma(s, beta) distributed; per week both. Formulas as in Fader
and Hardie (2005), "A Note on Deriving the Pareto/NBD Model and Related Expressions".

x is the number of repeat purchases, t_x the age at the latest one, T the age now; in weeks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import exprel, gammaln, hyp2f1

from training.fit_errors import CannotBeFittedError
from training.purchase_anchor import Rhythm

Floats = NDArray[np.float64]
_LOG_BOUND = 8.0
_A_LITTLE = 1e-7


@dataclass(frozen=True)
class ParetoNBD:
    """Hold r, alpha of the purchase rate and s, beta of the dropout rate."""

    r: float
    alpha: float
    s: float
    beta: float

    def alive(self, rhythm: Rhythm) -> Floats:
        """Return P(still active), shape (n,)."""
        return np.exp(self._log_alive(rhythm) - self._log_both(rhythm))

    def expected_purchases(self, rhythm: Rhythm, weeks: Floats) -> Floats:
        """Return E[purchases in the coming weeks], shape (n, len(weeks)).

        The mean rate (r + x) / (alpha + T) times the expected time active, the latter
        (beta + T) / (s - 1) (1 - ((beta + T) / (beta + T + t))^(s - 1)), smooth at s = 1.
        """
        now = self.beta + rhythm.age[:, None]
        growth = np.log1p(weeks / now)
        active = now * growth * exprel((1 - self.s) * growth)
        rate = (self.r + rhythm.x) / (self.alpha + rhythm.age)
        return (rate * self.alive(rhythm))[:, None] * active

    def no_purchase(self, rhythm: Rhythm, weeks: Floats) -> Floats:
        """Return P(no purchase in the coming weeks), shape (n, len(weeks)).

        Both rates of an active customer are gamma distributed again, with r + x, alpha + T, s and
        beta + T: so it is the likelihood of a new customer with no purchase.
        """
        silent = np.empty((len(rhythm.x), len(weeks)))
        r, alpha = self.r + rhythm.x, self.alpha + rhythm.age
        zero, beta = np.zeros(len(rhythm.x)), self.beta + rhythm.age
        for column, week in enumerate(weeks):
            of_time = _log_dropped_out(r, alpha, self.s, beta, zero, week)
            never = -r * np.log1p(week / alpha) - self.s * np.log1p(week / beta)
            dropped = r * np.log(alpha) + self.s * np.log(beta) + of_time
            silent[:, column] = np.exp(np.logaddexp(never, dropped))
        alive = self.alive(rhythm)[:, None]
        return np.clip(1 - alive * (1 - silent), 0.0, 1.0)

    def log_likelihood(self, rhythm: Rhythm) -> Floats:
        """Return each customer's log-likelihood, shape (n,)."""
        common = gammaln(self.r + rhythm.x) - gammaln(self.r)
        common += self.r * np.log(self.alpha) + self.s * np.log(self.beta)
        return common + self._log_both(rhythm)

    def _log_alive(self, rhythm: Rhythm) -> Floats:
        rate = -(self.r + rhythm.x) * np.log(self.alpha + rhythm.age)
        return rate - self.s * np.log(self.beta + rhythm.age)

    def _log_both(self, rhythm: Rhythm) -> Floats:
        r = self.r + rhythm.x
        gone = _log_dropped_out(r, self.alpha, self.s, self.beta, rhythm.t_x, rhythm.age)
        return np.logaddexp(self._log_alive(rhythm), gone)


def fit_pareto_nbd(rhythm: Rhythm) -> ParetoNBD:
    """Fit by maximum likelihood; the parameters stay within e^-8 and e^8.

    Raises
    ------
    CannotBeFittedError
        If nobody bought twice.
    """
    if not (rhythm.x > 0).any():
        raise CannotBeFittedError("nobody has bought twice.")

    def loss(log_parameters: Floats) -> float:
        return -float(ParetoNBD(*np.exp(log_parameters)).log_likelihood(rhythm).mean())

    scale = max(float(np.median(rhythm.age)) / 4, 0.1)
    start = np.log([0.5, scale, 0.5, scale])
    bounds = [(-_LOG_BOUND, _LOG_BOUND)] * 4
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    return ParetoNBD(*(float(value) for value in np.exp(found.x)))


def _log_dropped_out(  # noqa: PLR0913, PLR0917 -- the symbols of one formula
    r: Floats,
    alpha: Floats | float,
    s: float,
    beta: Floats | float,
    begin: Floats,
    end: Floats | float,
) -> Floats:
    """Return log of the integral of s (alpha + u)^-r (beta + u)^-(s + 1) over u, begin to end.

    The likelihood of having dropped out in between, gamma functions and parameters apart.
    """
    high, low = np.maximum(alpha, beta), np.minimum(alpha, beta)
    exponent = np.where(np.asarray(alpha) >= beta, s, r - 1)
    until, since = (_log_tail(r, s, exponent, low, high, at) for at in (end, begin))
    shrinks = np.minimum(until - since, 0.0)
    with np.errstate(divide="ignore"):  # no time to drop out in: log 0
        return np.log(s / (r + s)) + since + np.log(-np.expm1(shrinks))


def _log_tail(  # noqa: PLR0913, PLR0917 -- likewise
    r: Floats,
    s: float,
    exponent: Floats,
    low: Floats | float,
    high: Floats | float,
    at: Floats | float,
) -> Floats:
    """Return log of F(u) = (high + u)^-(r + s) 2F1(r + s, b; r + s + 1; z), b = exponent + 1.

    With z = (high - low) / (high + u). Euler's transformation takes the power of 1 - z that
    overflows out of 2F1, which leaves 2F1(1, r + s - exponent; r + s + 1; z).
    """
    z = (high - low) / (high + at)
    inner = _hypergeometric(r + s - exponent, r + s, z)
    log_rest = np.log(low + at) - np.log(high + at)
    return -(r + s) * np.log(high + at) - exponent * log_rest + np.log(inner)


def _hypergeometric(b: Floats, r_s: Floats, z: Floats | float) -> Floats:
    """Return 2F1(1, b; r_s + 1; z), also where SciPy overflows: r_s large and z near 1.

    There it fails on whole numbers, so that b is moved a little; failing that, z = 1 is taken,
    where the function is r_s / (r_s - b) (Gauss).
    """
    found = np.asarray(hyp2f1(1.0, b, r_s + 1, z), np.float64)
    if np.isfinite(found).all():
        return found
    near = np.asarray(hyp2f1(1.0, b * (1 + _A_LITTLE), r_s + 1, z), np.float64)
    at_one = r_s / np.maximum(r_s - b, _A_LITTLE)
    return np.where(np.isfinite(found), found, np.where(np.isfinite(near), near, at_one))
