"""How good a ranking by expected effect is: what treating the first in it brings.

Every figure is made of one unbiased score of the effect a customer, and needs no model to be right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from valuation.arrays import FloatArray, finite_vector, require_equal_shapes, require_within
from valuation.effects import LEVEL

RESAMPLES = 500
Rows = NDArray[np.int64]


class Trial(NamedTuple):
    """Hold an experiment, (n_customers,) each: ones for the treated, outcome, P(treated)."""

    treated: FloatArray
    outcome: FloatArray
    propensity: FloatArray


class Judged(NamedTuple):
    """Hold a figure with its interval."""

    value: float
    low: float
    high: float


def effect_scores(
    trial: Trial, if_treated: FloatArray | None = None, if_control: FloatArray | None = None
) -> FloatArray:
    """Return a score of each customer's effect whose mean is the mean effect of any group.

    With W treatment, Y outcome, e propensity and m1, m0 the outcomes expected in either case::

        score = m1 - m0 + W (Y - m1) / e - (1 - W) (Y - m0) / (1 - e)

    Unbiased where e is known, whatever m1 and m0 say, as long as they did not see that customer's
    outcome; the better they are, the less it scatters.

    Parameters
    ----------
    if_treated, if_control : (n_customers,), optional
        m1 and m0, by default 0: plain inverse weighting.

    Raises
    ------
    ValueError
        If shapes differ, a value is not finite, or a propensity is not inside (0, 1).

    Notes
    -----
    Robins, Rotnitzky and Zhao (1994); as ranks' raw material Yadlowsky et al. (2025).

    Examples
    --------
    >>> effect_scores(Trial(np.array([1.0, 0.0]), np.array([3.0, 2.0]), np.array([0.5, 0.5])))
    array([ 6., -4.])
    """
    treated, outcome, share = (
        finite_vector(name, values) for name, values in trial._asdict().items()
    )
    require_within("propensity", share, 1e-9, 1 - 1e-9)
    nothing = np.zeros_like(outcome)
    above = finite_vector("if_treated", nothing if if_treated is None else if_treated)
    below = finite_vector("if_control", nothing if if_control is None else if_control)
    require_equal_shapes(
        treated=treated, outcome=outcome, propensity=share, if_treated=above, if_control=below
    )
    weighted = treated * (outcome - above) / share
    return above - below + weighted - (1 - treated) * (outcome - below) / (1 - share)


@dataclass(frozen=True)
class Ranking:
    """Hold customers from the first to be treated to the last, with their effect scores.

    Those with equal priority are one group: who of them comes first is left to chance.
    """

    score: FloatArray
    order: Rows
    first: Rows
    group: Rows

    @classmethod
    def of(cls, effect_score: FloatArray, priority: FloatArray) -> Self:
        """Rank by priority, highest first."""
        scores = finite_vector("effect_score", effect_score)
        ranks = finite_vector("priority", priority)
        require_equal_shapes(effect_score=scores, priority=ranks)
        order = np.argsort(-ranks, kind="stable")
        is_first = np.concatenate([[True], np.diff(ranks[order]) != 0])
        return cls(scores[order], order, np.flatnonzero(is_first), np.cumsum(is_first) - 1)

    def figures(self, shares: Sequence[float], weight: FloatArray | None = None) -> FloatArray:
        """Return AUTOC, Qini, and what treating each share brings, shape (2 + n_shares,).

        With g(q) the mean effect of the first share q of customers and g that of all::

            AUTOC = integral of g(q) - g over q,   Qini = integral of q (g(q) - g)
            gain(q) = q g(q)

        AUTOC asks most of the very first; Qini is what is gained over treating as many at random,
        a customer of all, averaged over all budgets. Both are 0 for a ranking by chance.
        """
        share, total, overall = self._curve(weight)
        autoc = float(np.sum(np.diff(share, prepend=0.0) * total / share)) - overall
        above, places = np.append(0.0, total - share * overall), np.append(0.0, share)
        qini = float(np.trapezoid(above, places))
        return np.array([autoc, qini, *np.interp(shares, places, np.append(0.0, total))])

    def _curve(self, weight: FloatArray | None) -> tuple[FloatArray, FloatArray, float]:
        """Return shares of customers, effects added up so far a customer, and the mean effect."""
        weights = np.ones(len(self.score)) if weight is None else weight[self.order]
        sums = np.add.reduceat(weights * self.score, self.first)
        sizes = np.add.reduceat(weights, self.first)
        means = np.divide(sums, sizes, out=np.zeros_like(sums), where=sizes > 0)
        kept = weights > 0
        total = np.cumsum((weights * means[self.group])[kept]) / weights.sum()
        return np.cumsum(weights[kept]) / weights.sum(), total, float(total[-1])


class Standing(NamedTuple):
    """Hold how a ranking did: areas, and gains by share treated, a customer of all."""

    autoc: Judged
    qini: Judged
    gains: Mapping[float, Judged]


def standings(
    rankings: Mapping[str, Ranking], shares: Sequence[float], rng: np.random.Generator
) -> dict[str, Standing]:
    """Return how rankings of the same customers did, with intervals of a bootstrap.

    Notes
    -----
    Yadlowsky, Fleming, Shah, Brunskill and Wager (2025), "Evaluating treatment prioritization
    rules via rank-weighted average treatment effects": asymptotically normal.
    """
    drawn = resampled(rankings, shares, rng)
    found = {}
    for name, ranking in rankings.items():
        figures = zip(ranking.figures(shares), drawn[name].T, strict=True)
        autoc, qini, *gains = (judged(float(figure), spread) for figure, spread in figures)
        found[name] = Standing(autoc, qini, dict(zip(shares, gains, strict=True)))
    return found


def resampled(
    rankings: Mapping[str, Ranking], shares: Sequence[float], rng: np.random.Generator
) -> dict[str, FloatArray]:
    """Return `figures` of resampled customers, (RESAMPLES, n_figures) each; differences pair."""
    n_customers = len(next(iter(rankings.values())).score)
    found: dict[str, list[FloatArray]] = {name: [] for name in rankings}
    for _ in range(RESAMPLES):
        drawn = rng.integers(n_customers, size=n_customers)
        weight = np.bincount(drawn, minlength=n_customers).astype(np.float64)
        for name, ranking in rankings.items():
            found[name].append(ranking.figures(shares, weight))
    return {name: np.array(values) for name, values in found.items()}


def judged(value: float, spread: FloatArray, level: float = LEVEL) -> Judged:
    """Return a figure with the normal interval of its resampled values, (n_resamples,)."""
    reach = float(ndtri((1 + level) / 2)) * float(spread.std(ddof=1))
    return Judged(value, value - reach, value + reach)
