"""Effects are those of a textbook, hold the truth as often as they say, and lose no customer."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from valuation.effects import (
    Arms,
    difference_of_means,
    difference_of_shares,
    difference_with_covariates,
    saved_share,
    wilson_interval,
)

VALUES = arrays(np.float64, st.integers(3, 12), elements=st.floats(-1000, 1000, width=32))


def ones(n_ones, n):
    return np.repeat([1.0, 0.0], [n_ones, n - n_ones])


def drawn(rng, n_treated=300, n_control=100, effect=0.0):
    """Draw skewed margins that what was known before explains in part, unequal in spread."""
    before = Arms(rng.gamma(2, 20, n_treated), rng.gamma(2, 20, n_control))
    noise = Arms(rng.exponential(30, n_treated), rng.exponential(30, n_control))
    return Arms(before.treated + 1.2 * noise.treated + effect, before.control + noise.control), (
        before
    )


def test_welch_by_hand():
    # Means 5 and 2, variances 4 and 1, three each: SE^2 = 5/3, df = (5/3)^2 / (16/9/2 + 1/9/2).
    found = difference_of_means(Arms(np.array([3.0, 5, 7]), np.array([1.0, 2, 3])))

    assert found.effect == 3.0
    assert found.standard_error == pytest.approx(math.sqrt(5 / 3))
    freedom = (25 / 9) / (17 / 18)
    reach = stats.t.ppf(0.975, freedom) * math.sqrt(5 / 3)
    assert (found.low, found.high) == pytest.approx((3 - reach, 3 + reach))
    assert not found.is_clear


@pytest.mark.parametrize("seed", range(5))
def test_welch_agrees_with_scipy(seed):
    rng = np.random.default_rng(seed)
    outcome = Arms(rng.exponential(3, 9), rng.normal(size=4))
    found = difference_of_means(outcome, level=0.8)
    expected = stats.ttest_ind(*outcome, equal_var=False).confidence_interval(0.8)

    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_a_group_of_one_has_an_effect_and_no_interval():
    found = difference_of_means(Arms(np.array([4.0]), np.array([1.0, 2.0])))

    assert found.effect == 2.5
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert not found.is_clear


def test_groups_that_never_vary_are_certain():
    found = difference_of_means(Arms(np.ones(3), np.zeros(2)))

    assert (found.effect, found.low, found.high) == (1.0, 1.0, 1.0)


def test_newcombes_first_example():
    # Newcombe (1998), table II, (a) 56/70 - 48/80, method 10.
    found = difference_of_shares(Arms(ones(56, 70), ones(48, 80)))

    assert found.effect == pytest.approx(0.2)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)


def test_newcombes_example_without_any_event():
    # The same table, (g) 10/10 - 0/20.
    found = difference_of_shares(Arms(ones(10, 10), ones(0, 20)))

    assert (round(found.low, 4), round(found.high, 4)) == (0.6791, 1.0)


def test_wilsons_interval_solves_its_own_equation():
    low, high = wilson_interval(0.3, 50)

    for end in (low, high):
        assert abs(0.3 - end) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / 50), rel=1e-6)


def test_saved_share_and_its_interval_by_katz():
    # 10 of 100 left against 20 of 100: half were saved; SE of the log ratio by hand.
    found = saved_share(Arms(ones(10, 100), ones(20, 100)))
    spread = math.sqrt(1 / 10 - 1 / 100 + 1 / 20 - 1 / 100)

    assert found.effect == pytest.approx(0.5)
    assert found.low == pytest.approx(1 - 0.5 * math.exp(1.959964 * spread), rel=1e-6)
    assert found.high == pytest.approx(1 - 0.5 * math.exp(-1.959964 * spread), rel=1e-6)


def test_a_campaign_that_drives_people_away_saves_less_than_nobody():
    assert saved_share(Arms(ones(30, 100), ones(20, 100))).effect == pytest.approx(-0.5)


def test_nobody_left_is_no_measurement():
    found = saved_share(Arms(ones(0, 10), ones(0, 10)))

    assert math.isnan(found.effect)
    assert math.isnan(found.low)


@given(VALUES, VALUES, st.integers(0, 2**31))
def test_covariates_never_widen_the_standard_error(treated, control, seed):
    rng = np.random.default_rng(seed)
    covariates = Arms(rng.normal(size=(len(treated), 2)), rng.normal(size=(len(control), 2)))
    outcome = Arms(treated, control)

    plain = difference_of_means(outcome).standard_error
    assert difference_with_covariates(outcome, covariates).standard_error <= plain * (1 + 1e-9)


@given(VALUES, VALUES)
def test_a_covariate_that_never_varies_changes_nothing(treated, control):
    outcome = Arms(treated, control)
    same = Arms(np.ones(len(treated)), np.ones(len(control)))

    assert difference_with_covariates(outcome, same) == difference_of_means(outcome)


def test_cuped_with_one_covariate_by_hand():
    # Groups of equal size and spread: theta is Deng's cov(X, Y) / var(X) = 2 within the groups.
    outcome = Arms(np.array([2.0, 4, 6]), np.array([0.0, 2, 4]))
    before = Arms(np.array([2.0, 3, 4]), np.array([1.0, 2, 3]))
    found = difference_with_covariates(outcome, before)

    # Y - 2 (X - 2.5): 3, 3, 3 against 3, 3, 3.
    assert found.effect == pytest.approx(0.0)
    assert found.standard_error == pytest.approx(0.0, abs=1e-12)


def test_intervals_of_runs_without_effect_cover_and_cuped_narrows_without_bias():
    rng = np.random.default_rng(20)
    runs = 1500
    held = np.zeros((runs, 2))
    found = np.zeros((runs, 2))
    errors = np.zeros((runs, 2))
    for run in range(runs):
        outcome, before = drawn(rng, effect=-6.0)  # 1.2 x 30 less 30: the groups differ by nothing
        for column, effect in enumerate(
            (difference_of_means(outcome), difference_with_covariates(outcome, before))
        ):
            held[run, column] = effect.low <= 0 <= effect.high
            found[run, column] = effect.effect
            errors[run, column] = effect.standard_error

    # Three standard errors of a share of 0.95 in 1,500 runs are 0.017.
    assert np.abs(held.mean(axis=0) - 0.95).max() < 0.017
    assert errors.mean(axis=0)[1] < 0.85 * errors.mean(axis=0)[0]
    assert np.abs(found.mean(axis=0)).max() < 3 * errors.mean(axis=0)[0] / math.sqrt(runs)


def test_a_planted_effect_is_recovered_by_both():
    outcome, before = drawn(np.random.default_rng(3), 20_000, 20_000, effect=4.0)
    for effect in (difference_of_means(outcome), difference_with_covariates(outcome, before)):
        assert effect.low < 10.0 < effect.high  # 4, and 6 by the larger noise of the treated
        assert effect.is_clear


def test_intervals_of_rare_shares_cover():
    rng = np.random.default_rng(8)
    covered = [
        difference_of_shares(
            Arms(rng.binomial(1, 0.03, 400) * 1.0, rng.binomial(1, 0.03, 90) * 1.0)
        )
        for _ in range(1500)
    ]

    assert np.mean([effect.low <= 0 <= effect.high for effect in covered]) > 0.93


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Arms(np.array([]), np.array([1.0])), "treated has no customers"),
        (Arms(np.array([1.0, np.nan]), np.array([1.0])), "treated is nan in row 1"),
    ],
)
def test_groups_that_cannot_be_compared_are_refused(outcome, said):
    with pytest.raises(ValueError, match=said):
        difference_of_means(outcome)


def test_a_share_of_something_else_is_refused():
    with pytest.raises(ValueError, match="give ones and zeros"):
        difference_of_shares(Arms(np.array([0.5]), np.array([1.0])))


def test_covariates_of_other_customers_are_refused():
    outcome = Arms(np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match="has 2 rows and the outcome 3"):
        difference_with_covariates(outcome, Arms(np.ones(2), np.ones(2)))
