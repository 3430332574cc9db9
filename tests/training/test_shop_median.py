"""The median of a shop's customers, on distributions that are known."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tests.training.worlds import Trained
from training.forecast import Forecast
from training.intervals import Intervals, Origin, fit_intervals
from training.score_table import score_rows
from training.scoring import score
from training.shop_median import shop_median

WIDE_OPEN = (0.0,)


def _forecast(
    silent: NDArray[np.float64], mean: NDArray[np.float64], idle: float = 0.0
) -> Forecast:
    """Return a forecast of one month."""
    one = np.ones((len(silent), 1))
    churn = silent[:, None] * one
    is_customer = np.ones(len(silent), dtype=bool)
    margin = mean[:, None] * one
    return Forecast(is_customer, churn, 1 - churn, margin, margin, idle_margin=idle * one)


def test_who_is_rather_silent_is_worth_what_no_purchases_leave() -> None:
    intervals = Intervals(1, 1.0, ((-0.5, 0.0, 0.5),), (), WIDE_OPEN, (0.0,))
    forecast = _forecast(np.array([0.6, 0.5]), np.array([4.0, 5.0]), idle=-1.0)

    assert shop_median(intervals, forecast, 0.0, 1).tolist() == [-1.0, -1.0]


def test_who_rather_buys_has_the_middle_of_silence_and_of_what_buyers_spend() -> None:
    intervals = Intervals(1, 1.0, ((-0.5, -0.25, 0.0, 0.25, 0.5),), (), WIDE_OPEN, (0.0,))
    # Buying is worth 9 / (1 - silent) = 10 and 15; with the floor of 1 the errors are shares of
    # 11 and 16. A fifth of 0.9 lies at each of 4.5, 7.25, 10, ...: 0.1 + 3 x 0.18 reaches a half.
    # A fifth of 0.6 lies at each of 7, 11, ...: 0.4 + 0.12 reaches it.
    forecast = _forecast(np.array([0.1, 0.4]), np.array([9.0, 9.0]))

    assert shop_median(intervals, forecast, 0.0, 1).tolist() == [10.0, 7.0]


def test_who_never_bought_is_worth_nothing() -> None:
    intervals = Intervals(1, 1.0, ((0.0,),), (), WIDE_OPEN, (0.0,))
    forecast = _forecast(np.array([0.1]), np.array([9.0]))

    nobody = replace(forecast, is_customer=np.zeros(1, dtype=bool))

    assert shop_median(intervals, nobody, 0.0, 1).tolist() == [0.0]


def test_half_of_the_customers_come_out_below_their_median() -> None:
    rng = np.random.default_rng(4)
    origins = [_lived(rng) for _ in range(3)]
    intervals = fit_intervals(origins[:2], 0.0, 1)

    later = origins[2]
    median = shop_median(intervals, later.forecast, 0.0, 1)
    low, high, _ = intervals.of_customers(later.forecast, 0.0, 1)

    buys = later.forecast.churn[:, 0] < 0.45
    assert 0.48 <= (later.realised[buys] < median[buys]).mean() <= 0.52
    assert (median[later.forecast.churn[:, 0] > 0.5] == 0).mean() > 0.9
    assert ((low <= median) & (median <= high)).all()


def test_without_intervals_a_shop_has_no_median_and_a_warning(shop: Trained) -> None:
    bare = replace(shop.bundle, intervals=None)

    row = score_rows(score(bare, shop.blocks[0], shop.known.cutoff), shop.business)[0]

    assert row["clv_median"] is None
    assert any(warning.startswith("clv_median is null") for warning in row["warnings"])


def test_a_shop_with_intervals_has_a_median_of_everybody(shop: Trained) -> None:
    scores = score(shop.bundle, shop.blocks[0], shop.known.cutoff)

    assert np.isfinite(scores.clv_median).all()
    assert ((scores.clv_low <= scores.clv_median) & (scores.clv_median <= scores.clv_high)).all()
    row = score_rows(scores, shop.business)[0]
    assert not any(warning.startswith("clv_median") for warning in row["warnings"])


def _lived(rng: np.random.Generator, n_customers: int = 4000) -> Origin:
    """Return a true forecast of one month, and what customers spent who buy as forecast."""
    silent, usual = rng.uniform(0.05, 0.95, n_customers), rng.uniform(5.0, 80.0, n_customers)
    bought = rng.random(n_customers) > silent
    realised = np.where(bought, usual * rng.gamma(4, 1 / 4, n_customers), 0.0)
    forecast = _forecast(silent, (1 - silent) * usual)
    return Origin(forecast, realised, bought.astype(np.int64))
