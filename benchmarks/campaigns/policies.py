"""Policies: whom to contact first, by keepworth, by habit, by chance, and by an oracle."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from benchmarks.campaigns.operators import JudgedOperator

Values = NDArray[np.float64]
Policy = Callable[[JudgedOperator, np.random.Generator], Values]
"""Returns what customers are ranked by; NaN for whom the policy never contacts.

Shape (n,), or (RESPONSES, n) where the policy knows how they respond.
"""


def keepworth(assumed: str) -> Policy:
    """Return the product's policy under an assumed save rate: by expected profit, if it pays."""

    def ranked(operator: JudgedOperator, _rng: np.random.Generator) -> Values:
        options = [
            next(option for option in candidate.options if option.campaign == assumed)
            for candidate in operator.candidates
        ]
        profit = np.array([option.expected_profit for option in options])
        change = np.array([option.retention_change for option in options])
        return np.where((profit > 0) & (change >= 0), profit, np.nan)

    return ranked


def highest(score: str) -> Policy:
    """Return the habit of contacting those with the highest score, as long as money lasts."""

    def ranked(operator: JudgedOperator, _rng: np.random.Generator) -> Values:
        return np.array([candidate.scores[score] for candidate in operator.candidates], float)

    return ranked


def at_random(operator: JudgedOperator, rng: np.random.Generator) -> Values:
    """Rank by chance."""
    return rng.random(len(operator.candidates))


def oracle(operator: JudgedOperator, _rng: np.random.Generator) -> Values:
    """Rank by true expected profit: how everybody responds is known, what happens is not."""
    profit = operator.truth.profit()
    return np.where(profit > 0, profit, np.nan)


POLICIES: Mapping[str, Policy] = {
    "keepworth": keepworth("right"),
    "highest churn first": highest("churn_3m"),
    "highest CLV first": highest("clv"),
    "random": at_random,
    "oracle": oracle,
    "keepworth, save rate assumed half": keepworth("half"),
    "keepworth, save rate assumed double": keepworth("double"),
}


def profit_of(ranking: Values, places: int, operator: JudgedOperator) -> float:
    """Return the true expected profit of contacting the first so many, the mean over responses."""
    true = operator.truth.profit()
    order = np.argsort(-np.broadcast_to(ranking, true.shape), axis=1, kind="stable")[:, :places]
    is_contacted = ~np.isnan(np.take_along_axis(np.broadcast_to(ranking, true.shape), order, 1))
    brought = np.take_along_axis(true, order, axis=1)
    return float((brought * is_contacted).sum(axis=1).mean())
