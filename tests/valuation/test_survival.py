"""Hazard, survival and activity against curves computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from valuation.survival import (
    activity_in_month,
    checked_survival,
    churn_probability,
    hazard_from_survival,
    leaving_probability,
    survival_from_hazard,
    survival_if_kept,
)

HAZARDS = arrays(
    np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.floats(0.0, 1.0)
)
CURVES = HAZARDS.map(survival_from_hazard)


def test_survival_is_the_running_product_of_staying():
    survival = survival_from_hazard(np.array([[0.1, 0.2, 0.5], [0.0, 1.0, 0.3]]))
    np.testing.assert_allclose(survival, [[0.9, 0.72, 0.36], [1.0, 0.0, 0.0]], rtol=1e-15)


def test_a_constant_hazard_gives_geometric_survival():
    survival = survival_from_hazard(np.full((1, 24), 0.05))
    np.testing.assert_allclose(survival[0], 0.95 ** np.arange(1, 25), rtol=1e-13)


def test_hazard_is_recovered_from_survival():
    hazard = hazard_from_survival(np.array([[0.9, 0.72, 0.36]]))
    np.testing.assert_allclose(hazard, [[0.1, 0.2, 0.5]], rtol=1e-14)


def test_the_hazard_of_nobody_is_one():
    assert hazard_from_survival(np.array([[0.0, 0.0]])).tolist() == [[1.0, 1.0]]


def test_a_tiny_hazard_keeps_its_digits():
    hazard = hazard_from_survival(survival_from_hazard(np.array([[0.5, 1e-9]])))
    assert hazard[0, 1] == pytest.approx(1e-9, rel=1e-6)


@given(CURVES)
def test_survival_goes_through_hazard_and_back(survival):
    back = survival_from_hazard(hazard_from_survival(survival))
    # A hazard next to 1 cannot hold what is left below the rounding of 1.
    np.testing.assert_allclose(back, survival, rtol=1e-12, atol=1e-15)


@given(CURVES)
def test_survival_stays_within_bounds_and_never_rises(survival):
    assert ((survival >= 0) & (survival <= 1)).all()
    assert (np.diff(survival, axis=1) <= 0).all()


def test_activity_is_the_mean_of_both_ends_of_the_month():
    assert activity_in_month(np.array([[0.5, 0.25, 0.0]])).tolist() == [[0.75, 0.375, 0.125]]


@given(CURVES)
def test_leaving_and_staying_add_up_to_one(survival):
    total = leaving_probability(survival).sum(axis=1) + survival[:, -1]
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)


def test_churn_probability_is_what_survival_lacks():
    survival = np.array([[0.75, 0.5], [1.0, 0.25]])
    assert churn_probability(survival, 1).tolist() == [0.25, 0.0]
    assert churn_probability(survival, 2).tolist() == [0.5, 0.75]


@pytest.mark.parametrize("months", [0, 3])
def test_churn_outside_the_horizon_is_refused(months):
    with pytest.raises(ValueError, match=f"months is {months}; give 1 to 2, the horizon"):
        churn_probability(np.array([[0.75, 0.5]]), months)


def test_kept_customers_stay_and_then_follow_their_own_hazards():
    kept = survival_if_kept(np.array([[0.5, 0.25, 0.125, 0.0625]]), months=2)
    assert kept.tolist() == [[1.0, 1.0, 0.5, 0.25]]


def test_keeping_for_no_month_changes_nothing():
    survival = np.array([[0.5, 0.25]])
    assert survival_if_kept(survival, months=0).tolist() == survival.tolist()


def test_keeping_beyond_the_horizon_keeps_all_of_it():
    assert survival_if_kept(np.array([[0.5, 0.25]]), months=9).tolist() == [[1.0, 1.0]]


def test_a_customer_sure_to_leave_within_the_kept_months_leaves_right_after():
    assert survival_if_kept(np.array([[0.5, 0.0, 0.0]]), months=2).tolist() == [[1.0, 1.0, 0.0]]


@given(CURVES, st.integers(0, 8))
def test_keeping_changes_no_later_hazard(survival, months):
    kept = survival_if_kept(survival, months)
    assert (kept >= survival).all()
    np.testing.assert_allclose(
        hazard_from_survival(kept)[:, months:],
        hazard_from_survival(survival)[:, months:],
        rtol=1e-6,
        atol=1e-9,
    )


def test_a_rising_curve_is_refused_with_its_place():
    with pytest.raises(ValueError, match=r"rises from 0.5 to 0.6 in row 1, month 3; give curves"):
        checked_survival(np.array([[0.9, 0.8, 0.7], [0.9, 0.5, 0.6]]))


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_hazards_that_are_not_probabilities_are_refused(value):
    with pytest.raises(ValueError, match=r"hazard is .* in row 0, month 1"):
        survival_from_hazard(np.array([[value]]))


def test_arguments_are_left_as_they_were():
    survival = np.array([[0.5, 0.25]])
    survival_if_kept(survival, months=1)
    assert survival.tolist() == [[0.5, 0.25]]
