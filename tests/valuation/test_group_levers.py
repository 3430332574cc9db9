"""The levers of an effect add up to it, and their intervals are as wide as resampling says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.discounting import discount_factors
from valuation.effects import Arms, difference_of_means, difference_with_covariates
from valuation.group_levers import GroupCurves, levers_between_groups
from valuation.lifetime_value import clv

DISCOUNT = discount_factors(6, 0.1)


def group(rng, n, hazard, margin):
    """Draw customers who leave at a hazard and differ in what a month is worth."""
    stays = np.cumprod(rng.random((n, 6)) > hazard, axis=1).astype(np.float64)
    return GroupCurves(stays, stays * rng.gamma(4, margin / 4, (n, 1)))


@given(st.integers(0, 2**31))
def test_time_and_value_add_up_to_the_effect_on_value(seed):
    rng = np.random.default_rng(seed)
    treated, control = group(rng, 20, 0.1, 12.0), group(rng, 15, 0.3, 9.0)
    time, value = levers_between_groups(treated, control, DISCOUNT)
    effect = difference_of_means(Arms(clv(treated.margin, 0.1), clv(control.margin, 0.1)))

    assert time.effect + value.effect == pytest.approx(effect.effect)


def test_levers_with_covariates_add_up_to_the_adjusted_effect_and_are_narrower():
    rng = np.random.default_rng(6)
    treated, control = group(rng, 400, 0.1, 12.0), group(rng, 300, 0.1, 12.0)
    outcome = Arms(clv(treated.margin, 0.1), clv(control.margin, 0.1))
    known = Arms(treated.margin[:, 0], control.margin[:, 0])
    plain = levers_between_groups(treated, control, DISCOUNT)
    adjusted = levers_between_groups(treated, control, DISCOUNT, known)

    expected = difference_with_covariates(outcome, known).effect
    assert sum(lever.effect for lever in adjusted) == pytest.approx(expected)
    assert adjusted[1].high - adjusted[1].low < 0.9 * (plain[1].high - plain[1].low)


def test_a_dearer_plan_at_the_same_hazard_is_all_value():
    activity = np.array([[1.0], [0.0]])
    time, value = levers_between_groups(
        GroupCurves(activity, 12 * activity), GroupCurves(activity, 10 * activity), np.ones(1)
    )

    assert (time.effect, value.effect) == (0.0, 1.0)


def test_a_month_in_which_nobody_is_active_counts_nothing():
    nobody = GroupCurves(np.zeros((2, 1)), np.zeros((2, 1)))
    somebody = GroupCurves(np.ones((2, 1)), np.full((2, 1), 10.0))
    time, value = levers_between_groups(somebody, nobody, np.ones(1))

    assert (time.effect, value.effect) == (5.0, 5.0)


def test_intervals_are_as_wide_as_those_of_a_bootstrap():
    rng = np.random.default_rng(4)
    treated, control = group(rng, 900, 0.05, 12.0), group(rng, 500, 0.08, 11.0)
    time, value = levers_between_groups(treated, control, DISCOUNT)
    drawn = []
    for _ in range(600):
        one, other = rng.integers(900, size=900), rng.integers(500, size=500)
        drawn.append(
            [
                lever.effect
                for lever in levers_between_groups(
                    GroupCurves(treated.activity[one], treated.margin[one]),
                    GroupCurves(control.activity[other], control.margin[other]),
                    DISCOUNT,
                )
            ]
        )

    spread = 1.96 * np.std(drawn, axis=0)
    assert (time.high - time.low) / 2 == pytest.approx(spread[0], rel=0.12)
    assert (value.high - value.low) / 2 == pytest.approx(spread[1], rel=0.12)


def test_a_group_without_customers_is_refused():
    nobody = GroupCurves(np.zeros((0, 6)), np.zeros((0, 6)))
    with pytest.raises(ValueError, match="treated has no customers"):
        levers_between_groups(nobody, group(np.random.default_rng(1), 3, 0.1, 9.0), DISCOUNT)
