"""Trees are tried on buyers whom they have not seen."""

import numpy as np
from numpy.typing import NDArray

from training.boosting import Rows, predict_margin
from training.shop_trees import BuyerRows, fit_trees_that_help

N_BUYERS, ROWS_A_BUYER = 300, 12
BUYER = np.repeat(np.arange(N_BUYERS), ROWS_A_BUYER)
IS_LATER = np.tile(np.arange(ROWS_A_BUYER) >= 8, N_BUYERS)


def _rows(inputs: NDArray[np.float64], outcome: NDArray[np.float64]) -> BuyerRows:
    level = np.full(len(BUYER), np.log(2.0))
    values = inputs.astype(np.float32)
    return BuyerRows(Rows(values, level, outcome, np.ones(len(BUYER))), IS_LATER, BUYER)


def test_who_can_be_recognised_but_not_foretold_gets_no_trees() -> None:
    rng = np.random.default_rng(1)
    rate, look = rng.gamma(4, 0.5, N_BUYERS), rng.random((N_BUYERS, 5))
    training = _rows(look[BUYER], rng.poisson(rate[BUYER]).astype(np.float64))

    boosted = fit_trees_that_help(training, "count:poisson", seed=0)

    assert boosted.booster is None
    np.testing.assert_array_equal(boosted.unseen_margin, training.rows.anchor[IS_LATER])


def test_what_foretells_strangers_is_learned() -> None:
    rng = np.random.default_rng(2)
    look = rng.random((N_BUYERS, 5))
    rate = np.where(look[:, 2] > 0.5, 3.0, 1.0)
    training = _rows(look[BUYER], rng.poisson(rate[BUYER]).astype(np.float64))

    boosted = fit_trees_that_help(training, "count:poisson", seed=0)

    assert boosted.booster is not None
    strangers = np.array([[0.5, 0.5, 0.9, 0.5, 0.5], [0.5, 0.5, 0.1, 0.5, 0.5]], np.float32)
    margin = predict_margin(boosted.booster, strangers, np.full(2, np.log(2.0)))
    np.testing.assert_allclose(np.exp(margin), [3.0, 1.0], rtol=0.35)


def test_without_later_rows_there_are_no_trees() -> None:
    training = _rows(np.zeros((len(BUYER), 1)), np.ones(len(BUYER)))
    nothing_later = BuyerRows(training.rows, np.zeros(len(BUYER), dtype=bool), BUYER)

    boosted = fit_trees_that_help(nothing_later, "count:poisson", seed=0)

    assert boosted.booster is None
    assert boosted.unseen_margin.shape == (0,)
