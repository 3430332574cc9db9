"""Lever splits add up exactly and are symmetric."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from valuation.discounting import discount_factors
from valuation.levers import ShopCurves, lever_split, lever_split_of_shop
from valuation.lifetime_value import clv

SHAPE = (2, 4)
SHARES = arrays(np.float64, SHAPE, elements=st.floats(0.0, 1.0))
MARGINS = arrays(np.float64, SHAPE, elements=st.floats(-1000.0, 1000.0))
COUNTS = arrays(np.float64, SHAPE, elements=st.floats(0.0, 10.0))
SHOPS = st.builds(ShopCurves, SHARES, COUNTS, MARGINS)
RATE = 0.1
DISCOUNT = discount_factors(SHAPE[1], RATE)


def test_a_downgrade_that_keeps_the_customer_longer():
    # Time (.9 - .5)(20 + 10)/2 = 6; value (10 - 20)(.5 + .9)/2 = -7; CLV from 10 to 9.
    split = lever_split(
        np.array([[0.5]]), np.array([[20.0]]), np.array([[0.9]]), np.array([[10.0]]), np.ones(1)
    )
    assert split.time[0] == pytest.approx(6.0)
    assert split.value[0] == pytest.approx(-7.0)


def test_same_margins_leave_everything_to_time():
    margin = np.array([[10.0, 10.0]])
    split = lever_split(np.full((1, 2), 0.5), margin, np.ones((1, 2)), margin, np.ones(2))
    assert (split.time.tolist(), split.value.tolist()) == ([10.0], [0.0])


def test_same_activity_leaves_everything_to_value():
    activity = np.full((1, 2), 0.5)
    split = lever_split(
        activity, np.array([[10.0, 10.0]]), activity, np.array([[6.0, -6.0]]), np.ones(2)
    )
    assert (split.time.tolist(), split.value.tolist()) == ([0.0], [-10.0])


@given(SHARES, MARGINS, SHARES, MARGINS)
def test_time_and_value_add_up_to_the_change_of_clv(activity0, margin0, activity1, margin1):
    split = lever_split(activity0, margin0, activity1, margin1, DISCOUNT)
    change = clv(activity1 * margin1, RATE) - clv(activity0 * margin0, RATE)
    np.testing.assert_allclose(split.time + split.value, change, rtol=1e-9, atol=1e-8)


@given(SHARES, MARGINS, SHARES, MARGINS)
def test_swapping_the_scores_changes_only_the_signs(activity0, margin0, activity1, margin1):
    there = lever_split(activity0, margin0, activity1, margin1, DISCOUNT)
    back = lever_split(activity1, margin1, activity0, margin0, DISCOUNT)
    np.testing.assert_allclose(there.time, -back.time, atol=1e-9)
    np.testing.assert_allclose(there.value, -back.value, atol=1e-9)


def test_a_shop_whose_every_lever_moves():
    # A .5 -> 1, f 1 -> 3, b 4 -> 2: A f b from 2 to 6.
    # Time (.5)(4 + 6)/2 = 2.5; frequency .75 * 2 * 3 = 4.5; basket .75 * -2 * 2 = -3.
    before = ShopCurves(np.array([[0.5]]), np.array([[1.0]]), np.array([[4.0]]))
    after = ShopCurves(np.array([[1.0]]), np.array([[3.0]]), np.array([[2.0]]))
    split = lever_split_of_shop(before, after, np.ones(1))
    assert [lever.tolist() for lever in split] == [[2.5], [4.5], [-3.0]]


@given(SHOPS, SHOPS)
def test_the_levers_of_a_shop_add_up_to_the_change_of_clv(before, after):
    split = lever_split_of_shop(before, after, DISCOUNT)
    change = clv(after.activity * after.margin_if_active, RATE) - clv(
        before.activity * before.margin_if_active, RATE
    )
    total = split.time + split.frequency + split.basket
    np.testing.assert_allclose(total, change, rtol=1e-9, atol=1e-7)


@given(SHOPS, SHOPS)
def test_frequency_and_basket_make_up_the_value_lever(before, after):
    shop = lever_split_of_shop(before, after, DISCOUNT)
    whole = lever_split(
        before.activity, before.margin_if_active, after.activity, after.margin_if_active, DISCOUNT
    )
    np.testing.assert_allclose(shop.time, whole.time, atol=1e-7)
    np.testing.assert_allclose(shop.frequency + shop.basket, whole.value, atol=1e-7)


def test_a_discount_for_other_months_is_refused():
    one = np.ones((1, 2))
    with pytest.raises(ValueError, match=r"discount has shape \(3,\).*give \(2,\), one finite"):
        lever_split(one, one, one, one, np.ones(3))


def test_scores_of_different_horizons_are_refused():
    short, long = np.ones((1, 2)), np.ones((1, 3))
    with pytest.raises(ValueError, match=r"activity0 has shape \(1, 2\) and activity1 \(1, 3\)"):
        lever_split(short, short, long, long, np.ones(2))
    with pytest.raises(ValueError, match=r"before has shape \(1, 2\) and after \(1, 3\)"):
        lever_split_of_shop(
            ShopCurves(short, short, short), ShopCurves(long, long, long), np.ones(2)
        )
