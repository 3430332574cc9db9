"""The parametric anchor of churn: a beta-discrete-Weibull hazard by tenure.

Survival to the end of tenure month t is S(t) = B(a, b + t^c) / B(a, b), the beta-discrete-Weibull
of Fader, Hardie, Liu, Davin and Steenburgh (2018), "How to Project Customer Retention"
Revisited, Journal of Interactive Marketing 43; c = 1 is the shifted beta-geometric of Fader and
Hardie (2007). Fitted on customers at risk and exits by tenure month, so that
left truncation and censoring are in the counts.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln

from features.months import NEVER, Instants, MonthRule, whole_months_between

_LOG_BOUNDS = ((-6.0, 8.0), (-6.0, 12.0), (-1.6, 0.7))
_PRIOR_DEVIATION = (4.0, 4.0, 0.35)
_SMALLEST_HAZARD = 1e-6


@dataclass(frozen=True)
class TenureCounts:
    """Hold customers at risk in, and exits during, tenure months 1..T, shape (T,) each."""

    at_risk: NDArray[np.float64]
    exits: NDArray[np.float64]

    def __add__(self, other: Self) -> Self:
        """Return the counts of both."""
        length = max(len(self.at_risk), len(other.at_risk))
        at_risk, exits = np.zeros(length), np.zeros(length)
        for counts in (self, other):
            at_risk[: len(counts.at_risk)] += counts.at_risk
            exits[: len(counts.exits)] += counts.exits
        return type(self)(at_risk, exits)


@dataclass(frozen=True)
class TenureAnchor:
    """Hold a fitted beta-discrete-Weibull; beyond `last_month` the hazard stays level."""

    a: float
    b: float
    c: float
    last_month: int

    def hazard(self, tenure_month: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return P(leaving in tenure month t, given alive at its start); t counts from 1."""
        month = np.clip(tenure_month, 1, self.last_month)
        return _hazard(month, np.log([self.a, self.b, self.c]))


def tenure_counts(
    start: Instants, end: Instants, observed_from: int, known_until: int, month: MonthRule
) -> TenureCounts:
    """Count whole tenure months at risk and exits between two instants.

    `start` and `end` (n_spells,) are those of relationships; end is NEVER where it goes on.
    """
    entered = (start < known_until) & (end > observed_from)
    start, end = start[entered], end[entered]
    left = end < known_until
    entry = np.where(
        start >= observed_from, 0, 1 + whole_months_between(start, observed_from, month)
    )
    until = np.where(left & (end != NEVER), end, known_until)
    last = whole_months_between(start, until, month)
    counted = last >= entry
    length = int(last.max(initial=0)) + 2
    opened = np.bincount(entry[counted], minlength=length)
    closed = np.bincount(last[counted] + left[counted], minlength=length)
    exits = np.bincount(last[counted & left], minlength=length)
    at_risk = np.cumsum(opened) - np.cumsum(closed)
    return TenureCounts(at_risk[:-1].astype(np.float64), exits[:-1].astype(np.float64))


def fit_anchor(counts: TenureCounts) -> TenureAnchor:
    """Fit the anchor by penalised maximum likelihood.

    Raises
    ------
    ValueError
        If nobody was at risk.
    """
    observed = np.flatnonzero(counts.at_risk > 0)
    if not len(observed):
        raise ValueError("no customer was at risk; an anchor needs at least one month of one.")
    month = (observed + 1).astype(np.float64)
    stayed, left = (counts.at_risk - counts.exits)[observed], counts.exits[observed]
    rate = np.clip(left.sum() / counts.at_risk.sum(), 1e-4, 0.5)
    centre = np.array([0.0, np.log((1 - rate) / rate), 0.0])

    def loss(log_parameters: NDArray[np.float64]) -> float:
        raw = _hazard(month, log_parameters)
        hazard = np.clip(raw, _SMALLEST_HAZARD, 1 - _SMALLEST_HAZARD)
        fit = left @ np.log(hazard) + stayed @ np.log1p(-hazard)
        prior = np.square((log_parameters - centre) / _PRIOR_DEVIATION).sum() / 2
        return float(prior - fit)

    best = minimize(loss, centre, method="L-BFGS-B", bounds=_LOG_BOUNDS)
    a, b, c = np.exp(best.x)
    return TenureAnchor(float(a), float(b), float(c), last_month=int(month[-1]))


def _hazard(month: NDArray[np.float64], log_parameters: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b, c = np.exp(log_parameters)
    ratio = betaln(a, b + np.power(month, c)) - betaln(a, b + np.power(month - 1, c))
    return -np.expm1(ratio)
