"""CLV against geometric sums, and what must hold for any curve and margin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from valuation.discounting import discount_factors, monthly_discount_rate
from valuation.lifetime_value import clv, clv_beyond, clv_quantiles, expected_margin, value_at_stake
from valuation.survival import activity_in_month, survival_from_hazard

SHAPE = (3, 5)
HAZARDS = arrays(np.float64, SHAPE, elements=st.floats(0.0, 1.0))
CURVES = HAZARDS.map(survival_from_hazard)
MARGINS = arrays(np.float64, SHAPE, elements=st.floats(-1000.0, 1000.0))
RATES = st.floats(0.0, 1.0)


def test_expected_margin_weighs_by_activity():
    margin = expected_margin(np.array([[10.0, -20.0]]), np.array([[0.5, 0.25]]))
    assert margin.tolist() == [[7.5, -7.5]]


def test_clv_adds_up_discounted_margins():
    # (1 + r) = 2^24: factors 1/2, 1/8.
    values = clv(np.array([[8.0, 16.0], [-8.0, 0.0]]), 2.0**24 - 1)
    np.testing.assert_allclose(values, [6.0, -4.0], rtol=1e-14)


def test_constant_margin_and_hazard_give_a_geometric_sum():
    n_months, hazard, rate = 36, 0.04, 0.10
    survival = survival_from_hazard(np.full((1, n_months), hazard))
    value = clv(expected_margin(np.full((1, n_months), 25.0), survival), rate)
    v = 1 / (1 + monthly_discount_rate(rate))
    q = (1 - hazard) * v
    # Activity in month k is (1 - h)^(k-1) (1 - h/2), discounted by v^(k - 1/2).
    closed_form = 25.0 * (1 - hazard / 2) * v**0.5 * (1 - q**n_months) / (1 - q)
    assert value[0] == pytest.approx(closed_form, rel=1e-12)


def test_a_perpetuity_without_churn_is_margin_over_rate_at_mid_month():
    rate = 0.50
    value = clv(np.full((1, 3000), 10.0), rate)
    monthly = monthly_discount_rate(rate)
    assert value[0] == pytest.approx(10.0 * (1 + monthly) ** 0.5 / monthly, rel=1e-12)


def test_an_annuity_without_discount_is_margin_times_months():
    assert clv(np.full((1, 36), 10.0), 0.0).tolist() == [360.0]


@given(MARGINS, MARGINS, RATES, st.floats(-3.0, 3.0))
def test_clv_is_linear_in_margin(margin, other, rate, factor):
    together = clv(margin + factor * other, rate)
    apart = clv(margin, rate) + factor * clv(other, rate)
    np.testing.assert_allclose(together, apart, rtol=1e-9, atol=1e-8)


@given(HAZARDS, HAZARDS, MARGINS, RATES)
def test_positive_margins_make_clv_rise_with_survival(hazard, other, margin, rate):
    longer = survival_from_hazard(np.minimum(hazard, other))
    shorter = survival_from_hazard(np.maximum(hazard, other))
    positive = np.abs(margin)
    gain = clv(expected_margin(positive, longer), rate) - clv(
        expected_margin(positive, shorter), rate
    )
    assert (gain >= -1e-9).all()


@given(arrays(np.float64, (7, 36), elements=st.floats(-1000.0, 1000.0)), RATES)
def test_a_customer_is_worth_the_same_alone_and_in_a_portfolio(margin, rate):
    together = clv(margin, rate)
    alone = [clv(margin[row : row + 1], rate)[0] for row in range(7)]
    in_columns = clv(np.asfortranarray(margin), rate)
    assert together.tolist() == alone == in_columns.tolist()


def test_the_first_row_with_a_missing_margin_is_named():
    with pytest.raises(ValueError, match="expected_margin is nan in row 1, month 2"):
        clv(np.array([[1.0, 2.0], [1.0, np.nan]]), 0.1)


def test_no_customers_have_no_values():
    assert clv(np.empty((0, 12)), 0.1).shape == (0,)


def test_clv_beyond_the_backtest_is_the_rest_of_the_sum():
    margin = np.array([[8.0, 16.0, 32.0]])
    # Factors 1/2, 1/8, 1/32 give 4, 2, 1.
    beyond = [clv_beyond(margin, 2.0**24 - 1, month)[0] for month in (0, 1, 2, 3, 9)]
    assert beyond == pytest.approx([7.0, 3.0, 1.0, 0.0, 0.0], rel=1e-14)
    assert margin.tolist() == [[8.0, 16.0, 32.0]]


def test_clv_beyond_a_negative_month_is_refused():
    with pytest.raises(ValueError, match="last_backtested_month is -1; give 0 or more"):
        clv_beyond(np.ones((1, 2)), 0.1, -1)


def test_value_at_stake_is_the_gain_of_three_safe_months():
    survival = np.array([[0.5, 0.25, 0.125, 0.0625]])
    margin = np.array([[8.0, 8.0, 8.0, 8.0]])
    # Activity now .75 .375 .1875 .09375; if kept 1 1 1 .75. Gain 8 (3.75 - 1.40625).
    assert value_at_stake(margin, survival, 0.0).tolist() == [18.75]
    assert value_at_stake(-margin, survival, 0.0).tolist() == [-18.75]


def test_nothing_is_at_stake_with_a_customer_who_cannot_leave():
    assert value_at_stake(np.full((1, 6), 10.0), np.ones((1, 6)), 0.1).tolist() == [0.0]


@given(CURVES, MARGINS, RATES)
def test_the_sign_of_value_at_stake_follows_the_margins(survival, margin, rate):
    gain = np.abs(margin)
    assert (value_at_stake(gain, survival, rate) >= 0).all()
    assert (value_at_stake(-gain, survival, rate) <= 0).all()


def test_quantiles_are_values_of_the_moments_of_leaving():
    # Leaving in month 1 pays 5 (p = .5), in month 2 pays 15 (p = .25), staying 20 (p = .25).
    margin, survival = np.array([[10.0, 10.0]]), np.array([[0.5, 0.25]])
    levels = np.array([0.1, 0.5, 0.51, 0.75, 0.76, 1.0])
    values = clv_quantiles(margin, survival, 0.0, levels)
    assert values.tolist() == [[5.0, 5.0, 15.0, 15.0, 20.0, 20.0]]


def test_quantiles_sort_values_that_fall_with_time():
    # Leaving in month 1 pays -5 (p = .5), in month 2 -15 (p = .25), staying -20 (p = .25).
    margin, survival = np.array([[-10.0, -10.0]]), np.array([[0.5, 0.25]])
    values = clv_quantiles(margin, survival, 0.0, np.array([0.25, 0.5, 0.9]))
    assert values.tolist() == [[-20.0, -15.0, -5.0]]


def test_quantiles_come_in_the_order_asked():
    values = clv_quantiles(np.array([[10.0]]), np.array([[0.5]]), 0.0, np.array([0.9, 0.1]))
    assert values.tolist() == [[10.0, 5.0]]


def test_a_customer_sure_to_stay_has_one_value():
    values = clv_quantiles(np.full((1, 3), 4.0), np.ones((1, 3)), 0.0, np.array([0.001, 1.0]))
    assert values.tolist() == [[12.0, 12.0]]


@given(CURVES, MARGINS, RATES)
def test_quantiles_rise_and_bracket_the_clv(survival, margin, rate):
    levels = np.array([1e-6, 0.1, 0.5, 0.9, 1.0])
    values = clv_quantiles(margin, survival, rate, levels)
    mean = clv(expected_margin(margin, survival), rate)
    assert (np.diff(values, axis=1) >= 0).all()
    # The lowest level skips outcomes rarer than itself, worth at most a millionth of the range.
    slack = 1e-6 * 5 * 2000 + 1e-9
    assert (values[:, 0] - slack <= mean).all()
    assert (mean <= values[:, -1] + slack).all()


@given(CURVES, MARGINS, RATES)
def test_the_mean_over_all_quantiles_is_the_clv(survival, margin, rate):
    n_levels = 2000
    levels = (np.arange(n_levels) + 0.5) / n_levels
    values = clv_quantiles(margin, survival, rate, levels)
    spread = values[:, -1] - values[:, 0] + 2 * np.abs(margin).sum(axis=1)
    mean = clv(expected_margin(margin, survival), rate)
    assert (np.abs(values.mean(axis=1) - mean) <= 1e-9 + spread * 3 / n_levels).all()


def test_quantiles_agree_with_drawn_moments_of_leaving():
    margin, survival = np.array([[10.0, -4.0, 6.0]]), np.array([[0.7, 0.5, 0.2]])
    discounted = margin[0] * discount_factors(3, 0.1)
    left_in = np.random.default_rng(7).choice(4, size=40_001, p=[0.3, 0.2, 0.3, 0.2])
    share_lived = np.clip(left_in[:, None] - np.arange(3), 0, 1) + 0.5 * (
        left_in[:, None] == np.arange(3)
    )
    drawn = np.sort(share_lived @ discounted)
    levels = np.array([0.1, 0.4, 0.9])
    expected = drawn[(levels * 40_001).astype(int)]
    np.testing.assert_allclose(clv_quantiles(margin, survival, 0.1, levels)[0], expected)


@pytest.mark.parametrize("level", [0.0, -0.1, 1.1])
def test_quantiles_outside_the_unit_interval_are_refused(level):
    with pytest.raises(ValueError, match=f"quantiles holds {level}; give values above 0"):
        clv_quantiles(np.ones((1, 2)), np.ones((1, 2)), 0.1, np.array([level]))


def test_unequal_shapes_are_refused():
    with pytest.raises(ValueError, match=r"survival has shape \(3, 4\) and margin_if_active \(3"):
        expected_margin(np.ones((3, 5)), np.ones((3, 4)))


@given(CURVES, MARGINS, RATES)
def test_clv_never_exceeds_what_full_activity_would_pay(survival, margin, rate):
    positive = np.abs(margin)
    value = clv(expected_margin(positive, survival), rate)
    assert (activity_in_month(survival) <= 1).all()
    assert (value <= clv(positive, rate) + 1e-9).all()
