"""A shop's trees add to its anchors where signals tell something, and nothing where they do not."""

from pathlib import Path

import pytest

from tests.training.shop_worlds import answers, by_lot, spoilt_by_refunds


@pytest.mark.parametrize(
    ("n_buyers", "seed"),
    [
        *((150, seed) for seed in range(4)),
        (500, 0),
        pytest.param(500, 1, marks=pytest.mark.long),
        pytest.param(2_000, 0, marks=pytest.mark.long),
    ],
)
def test_where_purchases_fall_by_lot_trees_take_nothing_from_the_anchor(
    tmp_path: Path, n_buyers: int, seed: int
) -> None:
    model, anchor = answers(tmp_path, by_lot, n_buyers, seed)

    for months in (3, 6):
        assert model.log_loss(months) < 1.015 * anchor.log_loss(months)
        assert model.rmse(months) < 1.02 * anchor.rmse(months)


@pytest.mark.parametrize(
    ("n_buyers", "log_loss", "rmse"),
    [(500, 0.95, 0.9), pytest.param(5_000, 0.9, 0.8, marks=pytest.mark.long)],
)
def test_where_a_refund_ends_the_habit_trees_say_so(
    tmp_path: Path, n_buyers: int, log_loss: float, rmse: float
) -> None:
    model, anchor = answers(tmp_path, spoilt_by_refunds, n_buyers, seed=0)

    for months in (3, 6):
        assert model.log_loss(months) < log_loss * anchor.log_loss(months)
        assert model.rmse(months) < rmse * anchor.rmse(months)
