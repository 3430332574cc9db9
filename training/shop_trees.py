"""How many trees help with buyers whom they have not seen.

The rows of one buyer are alike. Trees that recognise a buyer by the size of a basket take for a
signal that this buyer came often, which the anchor counts already, and later rows of the same buyer
seem to prove them right. So trees are tried on later rows of buyers they were not fitted on.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from training.boosting import Rows, fit_trees

PARTS_OF_BUYERS = 3
TREES_TRIED = (0, 1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 80, 100)
Values = NDArray[np.float64]
_LOSSES: dict[str, Callable[[Values, Values], Values]] = {
    "count:poisson": lambda raised, outcome: np.exp(raised) - outcome * raised,
    "binary:logistic": lambda raised, outcome: np.logaddexp(0.0, raised) - outcome * raised,
    "reg:gamma": lambda raised, outcome: outcome * np.exp(-raised) + raised,
}


@dataclass(frozen=True)
class BuyerRows:
    """Hold training rows, which of them are later ones, and the number of each row's buyer."""

    rows: Rows
    is_later: NDArray[np.bool_]
    buyer: NDArray[np.int64]


@dataclass(frozen=True)
class Boosted:
    """Hold the trees that help, fitted on all rows; None where none do.

    `unseen_margin` (n_later,) is what as many say, on the link scale, of the later rows of buyers
    they were not fitted on.
    """

    booster: xgb.Booster | None
    unseen_margin: Values


def fit_trees_that_help(training: BuyerRows, objective: str, seed: int) -> Boosted:
    """Fit as many trees as help with later rows of buyers they were not fitted on; perhaps none.

    Of the numbers tried it takes the smallest whose loss is above the least by no more than one
    standard error of the difference over buyers (Breiman, Friedman, Olshen and Stone 1984,
    Classification and Regression Trees, section 3.4.3).
    """
    later = training.rows.only(training.is_later)
    if not len(later.outcome):
        return Boosted(None, later.anchor)
    margins = _of_unseen_buyers(training, objective, seed)
    losses = [later.weight * _LOSSES[objective](margin, later.outcome) for margin in margins]
    _, buyer = np.unique(training.buyer[training.is_later], return_inverse=True)
    by_buyer = np.stack([np.bincount(buyer, loss) for loss in losses])
    worse = by_buyer - by_buyer[by_buyer.sum(axis=1).argmin()]
    standard_error = worse.std(axis=1) * np.sqrt(worse.shape[1])
    chosen = int((worse.sum(axis=1) <= standard_error).argmax())
    n_trees = TREES_TRIED[chosen]
    booster = fit_trees(training.rows, n_trees, objective, seed) if n_trees else None
    return Boosted(booster, margins[chosen])


def _of_unseen_buyers(training: BuyerRows, objective: str, seed: int) -> Values:
    """Return link-scale predictions of later rows, shape (n_tried, n_later).

    Each third of the buyers is predicted by trees fitted on earlier rows of the others.
    """
    rows, is_later = training.rows, training.is_later
    names, number = np.unique(training.buyer, return_inverse=True)
    part = (np.random.default_rng(seed).permutation(len(names)) % PARTS_OF_BUYERS)[number]
    later = rows.only(is_later)
    margins = np.repeat(later.anchor[None, :], len(TREES_TRIED), axis=0)
    for held_out in range(PARTS_OF_BUYERS):
        seen, unseen = ~is_later & (part != held_out), part[is_later] == held_out
        if seen.any() and unseen.any():
            booster = fit_trees(rows.only(seen), TREES_TRIED[-1], objective, seed)
            margins[1:, unseen] = _by_number_of_trees(booster, later.only(unseen))
    return margins


def _by_number_of_trees(booster: xgb.Booster, rows: Rows) -> Values:
    """Return link-scale predictions of as many trees as are tried, shape (n_tried - 1, n_rows)."""
    matrix = rows.matrix()
    return np.stack(
        [
            booster.predict(matrix, output_margin=True, iteration_range=(0, n_trees))
            for n_trees in TREES_TRIED[1:]
        ]
    )
