"""The naive formulas do what people do with them, and tend to where theory says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.lifetime_value import clv, expected_margin
from valuation.naive import (
    basket_times_frequency_times_lifetime,
    margin_over_churn,
    value_times_months,
)
from valuation.survival import survival_from_hazard

MANY_MONTHS = 4000


def test_monthly_value_times_months():
    assert value_times_months(np.array([20.0, -1.5]), 36).tolist() == [720.0, -54.0]


def test_basket_times_frequency_times_lifetime():
    value = basket_times_frequency_times_lifetime(
        np.array([25.0, 10.0]), np.array([2.0, 0.5]), np.array([24.0, 12.0])
    )
    assert value.tolist() == [1200.0, 60.0]


def test_one_lifetime_stands_for_all():
    value = basket_times_frequency_times_lifetime(np.array([1.0, 2.0]), np.array([1.0, 1.0]), 10)
    assert value.tolist() == [10.0, 20.0]


def test_margin_over_churn():
    assert margin_over_churn(np.array([10.0, -2.0]), 0.05).tolist() == [200.0, -40.0]


@given(st.floats(0.02, 0.9))
def test_margin_over_churn_is_an_endless_sum_paid_at_the_start_of_the_month(churn):
    staying = (1 - churn) ** np.arange(MANY_MONTHS)
    assert margin_over_churn(np.array([10.0]), churn)[0] == pytest.approx(10 * staying.sum())


def test_margin_over_churn_exceeds_undiscounted_clv_by_half_a_month():
    survival = survival_from_hazard(np.full((1, MANY_MONTHS), 0.05))
    value = clv(expected_margin(np.full((1, MANY_MONTHS), 10.0), survival), 0.0)
    assert margin_over_churn(np.array([10.0]), 0.05)[0] - value[0] == pytest.approx(5.0)


@pytest.mark.parametrize("churn", [0.0, -0.1, 1.1])
def test_churn_without_a_value_is_refused(churn):
    with pytest.raises(ValueError, match=f"monthly_churn is {churn} in row 0; give above 0"):
        margin_over_churn(np.array([10.0]), churn)


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="monthly_churn has 2 customers; give 1, or one number"):
        margin_over_churn(np.array([10.0]), np.array([0.1, 0.2]))


def test_a_negative_number_of_months_is_refused():
    with pytest.raises(ValueError, match="months is -1; give zero or more"):
        value_times_months(np.array([10.0]), -1)
