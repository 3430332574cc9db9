"""Policies: whom to contact, by keepworth, by habit, by chance, and by an oracle."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from benchmarks.campaigns.operators import JudgedOperator, campaign
from serving.campaigns.campaign import ContactRules
from serving.campaigns.decisions import Rulebook, Standing, decide

Bools = NDArray[np.bool_]
Policy = Callable[[JudgedOperator, int, np.random.Generator], Bools]
"""Returns who is contacted, shape (n,), where the budget pays for so many contacts."""
_MINOR_UNITS = 100
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""Decisions rest on no clock here: nobody was contacted before."""


def keepworth(told: str) -> Policy:
    """Return the product's decisions, by what its campaign assumes or was taught."""

    def contacts(operator: JudgedOperator, places: int, _rng: np.random.Generator) -> Bools:
        chosen = campaign(told)
        book = Rulebook((chosen,), ContactRules(), _MINOR_UNITS)
        left = Standing(left={told: places * book.reserved(chosen)})
        own = [each.only([told]) for each in operator.candidates]
        return np.array([each.outcome == "contact" for each in decide(own, book, left, _NOW)])

    return contacts


def highest(score: str) -> Policy:
    """Return the habit of contacting those with the highest score, as long as money lasts."""

    def contacts(operator: JudgedOperator, places: int, _rng: np.random.Generator) -> Bools:
        scores = [candidate.scores[score] for candidate in operator.candidates]
        return first(np.array(scores, dtype=np.float64), places)

    return contacts


def at_random(operator: JudgedOperator, places: int, rng: np.random.Generator) -> Bools:
    """Contact by chance."""
    return first(rng.random(len(operator.candidates)), places)


def oracle(operator: JudgedOperator, places: int, _rng: np.random.Generator) -> Bools:
    """Contact by true expected profit: everybody's type is known, what happens is not."""
    profit = operator.truth.smooth_profit
    return first(profit, places) & (profit > 0)


POLICIES: Mapping[str, Policy] = {
    "keepworth": keepworth("assumed"),
    "highest churn first": highest("churn_3m"),
    "highest CLV first": highest("clv"),
    "random": at_random,
    "oracle": oracle,
    "keepworth, after `campaigns learn`": keepworth("learned"),
    "keepworth, window of 3 months": keepworth("assumed-three-months"),
    "keepworth, save rate assumed half": keepworth("assumed-half"),
    "keepworth, save rate assumed double": keepworth("assumed-double"),
    "keepworth, told true averages": keepworth("averages"),
}


def first(ranking: NDArray[np.float64], places: int) -> Bools:
    """Return those who are ranked highest, shape as given."""
    chosen = np.zeros(len(ranking), dtype=np.bool_)
    chosen[np.argsort(-ranking, kind="stable")[:places]] = True
    return chosen
