"""Payback counted on fingers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.payback import payback_month


def payback_of_one(realised, cost, expected):
    return payback_month(
        np.array([realised], dtype=float).reshape(1, -1),
        np.array([cost]),
        np.array([expected], dtype=float),
        np.array([len(realised)]),
    )[0]


def test_payback_in_the_past_is_the_month_it_happened():
    assert payback_of_one([10, 30, 60, 90], 60.0, [5, 5]) == 3


def test_payback_to_come_counts_from_acquisition():
    # 30 of 50 after three months, then 10 a month: two more.
    assert payback_of_one([10, 20, 30], 50.0, [10, 10, 10]) == 5


def test_a_new_customer_pays_back_from_expectation_alone():
    assert payback_of_one([], 25.0, [10, 10, 10]) == 3


def test_payback_beyond_the_horizon_is_null():
    assert np.isnan(payback_of_one([10], 100.0, [10, 10]))


def test_a_loss_maker_never_pays_back():
    assert np.isnan(payback_of_one([-5, -10], 1.0, [-5, -5]))


def test_an_early_month_counts_even_if_a_later_one_falls_short():
    assert payback_of_one([50, 20], 40.0, [-5]) == 1


def test_no_cost_is_paid_back_at_once():
    assert payback_of_one([-5], 0.0, [-5]) == 0


def test_an_unknown_cost_has_no_payback():
    assert np.isnan(payback_of_one([50], np.nan, [50]))


def test_an_unknown_past_has_no_payback():
    assert np.isnan(payback_of_one([np.nan, 50], 10.0, [50]))


def test_padding_is_not_read():
    realised = np.array([[20.0, np.nan, np.nan], [20.0, 999.0, 999.0]])
    months = payback_month(realised, np.array([30.0, 30.0]), np.full((2, 4), 5.0), np.array([1, 1]))
    assert months.tolist() == [3.0, 3.0]


def test_ten_times_a_tenth_covers_one():
    assert payback_of_one([], 1.0, [0.1] * 12) == 10


def test_each_customer_has_months_of_their_own():
    months = payback_month(
        np.array([[20.0, 60.0], [30.0, np.nan], [np.nan, np.nan]]),
        np.array([50.0, 50.0, 50.0]),
        np.array([[10.0, 10.0, 10.0], [10.0, 10.0, 10.0], [60.0, 0.0, 0.0]]),
        np.array([2, 1, 0]),
    )
    assert months.tolist() == [2.0, 3.0, 1.0]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=12), st.integers(1, 200), st.data())
def test_it_does_not_matter_where_the_past_ends(margins, cost, data):
    n_past = data.draw(st.integers(0, len(margins) - 1))
    whole = payback_of_one([], float(cost), margins)
    split = payback_of_one(np.cumsum(margins[:n_past]), float(cost), margins[n_past:])
    assert np.array_equal(whole, split, equal_nan=True)


def test_months_beyond_the_columns_are_refused():
    with pytest.raises(ValueError, match="months_since_acquired is 3 in row 0; give 0 to 2"):
        payback_month(np.ones((1, 2)), np.ones(1), np.ones((1, 2)), np.array([3]))


def test_months_that_are_not_whole_are_refused():
    with pytest.raises(ValueError, match=r"type float64; give .* of whole numbers"):
        payback_month(np.ones((1, 2)), np.ones(1), np.ones((1, 2)), np.array([1.0]))


def test_a_negative_cost_is_refused():
    with pytest.raises(ValueError, match=r"acquisition_cost is -1.0 in row 0; give zero or more"):
        payback_of_one([1], -1.0, [1])


def test_unequal_numbers_of_customers_are_refused():
    with pytest.raises(ValueError, match="acquisition_cost has 2 customers and realised_margin 1"):
        payback_month(np.ones((1, 2)), np.ones(2), np.ones((1, 2)), np.array([1]))


def test_nobody_has_no_payback():
    nobody = payback_month(
        np.empty((0, 0)), np.empty(0), np.empty((0, 6)), np.empty(0, dtype=np.int64)
    )
    assert nobody.shape == (0,)
