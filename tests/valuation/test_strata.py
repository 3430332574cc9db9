"""Groups whose shares changed are compared like with like."""

import numpy as np
import pytest

from valuation.effects import Arms, difference_of_means, difference_of_shares, saved_share
from valuation.strata import Strata, comparable


def ones(n_ones, n):
    return np.repeat([1.0, 0.0], [n_ones, n - n_ones])


def two_periods():
    """Return who stayed: 500 and 500 of whom 90% stay, then 900 and 100 of whom 60% do."""
    stayed = Arms(
        np.concatenate([ones(450, 500), ones(540, 900)]),
        np.concatenate([ones(450, 500), ones(60, 100)]),
    )
    strata = Strata.of(np.repeat([0.5, 0.1], [500, 900]), np.repeat([0.5, 0.1], [500, 100]))
    return stayed, strata


def test_periods_that_differ_are_no_effect():
    stayed, strata = two_periods()
    pooled, found = difference_of_shares(stayed), difference_of_shares(stayed, strata)

    assert pooled.high < -0.1
    assert found.effect == pytest.approx(0.0, abs=1e-12)
    assert found.low < 0 < found.high
    assert (found.treated, found.control) == pytest.approx((990 / 1400, 990 / 1400))
    left = saved_share(Arms(1 - stayed.treated, 1 - stayed.control), strata)
    assert left.effect == pytest.approx(0.0, abs=1e-12)


def test_means_and_errors_by_stratum_by_hand():
    stayed, strata = two_periods()
    found = difference_of_means(Arms(*strata.levelled(*stayed)))
    weights = np.array([900 / 1400, 500 / 1400])
    spread = np.array([0.24, 0.09])
    expected = sum(
        (np.square(weights) * spread / (sizes - 1)).sum()
        for sizes in (np.array([900, 500]), np.array([100, 500]))
    )

    assert found.effect == pytest.approx(0.0, abs=1e-12)
    assert found.standard_error == pytest.approx(np.sqrt(expected))


def test_one_stratum_leaves_everything_as_it_is():
    rng = np.random.default_rng(1)
    values = Arms(rng.normal(size=(7, 3)), rng.normal(size=(5, 3)))
    strata = Strata.of(np.full(7, np.nan), np.full(5, np.nan))

    for before, after in zip(values, strata.levelled(*values), strict=True):
        np.testing.assert_array_equal(before, after)
    stayed = Arms(ones(4, 7), ones(2, 5))
    assert difference_of_shares(stayed, strata) == difference_of_shares(stayed)


def test_intervals_hold_a_planted_effect_as_often_as_they_say():
    rng, held = np.random.default_rng(5), []
    sizes = np.array([150, 400]), np.array([150, 50])
    labels = [np.repeat([0.5, 0.1], each) for each in sizes]
    strata = Strata.of(*labels)
    for _ in range(2000):
        treated, control = (np.where(each == 0.5, 0.9, 0.6) for each in labels)
        stayed = Arms(*(1.0 * (rng.random(len(p)) < p) for p in (treated + 0.05, control)))
        found = difference_of_shares(stayed, strata)
        mean = difference_of_means(Arms(*strata.levelled(*stayed)))
        held.append([each.low < 0.05 < each.high for each in (found, mean)])

    assert np.mean(held, axis=0) == pytest.approx([0.95, 0.95], abs=0.015)


def test_a_stratum_without_its_like_cannot_be_compared():
    treated = np.array([True, True, False, False, True, True, True, False])
    label = np.array([0.1, 0.1, 0.1, 0.1, 0.0, 0.0, np.nan, np.nan])

    assert comparable(treated, label).tolist() == [True] * 4 + [False] * 4
    with pytest.raises(ValueError, match="one group alone"):
        Strata.of(label[treated], label[~treated])
