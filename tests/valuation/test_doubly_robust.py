"""The doubly robust effect is right if either model is, and covers as often as it says."""

import numpy as np
import pytest

from valuation.doubly_robust import (
    Compared,
    balance_of,
    effect_on_members,
    overlap_of,
    weights_of,
)

EFFECT = 2.0


def drawn(rng, n=1500):
    """Draw customers whose worth makes them join, and brings more anyway."""
    worth = rng.normal(size=n)
    propensity = 1 / (1 + np.exp(1.0 - worth))
    is_member = rng.random(n) < propensity
    expected = 3 * worth
    outcome = expected + rng.normal(size=n) + EFFECT * is_member
    return worth, is_member, propensity, expected, outcome


def test_by_hand_with_unequal_weights():
    # Odds 1 and 3, scaled by 2 / 4 to .5 and 1.5: (2 + 4) / 2 - (.5 x 1 + 1.5 x 2) / 2.
    found = effect_on_members(
        Compared(
            np.array([2.0, 4.0, 1.0, 2.0]),
            np.array([True, True, False, False]),
            np.array([0.5, 0.5, 0.5, 0.75]),
            np.zeros(4),
            np.arange(4),
        )
    )

    assert found.effect == pytest.approx(3 - 1.75)
    assert found.naive == 1.5


@pytest.mark.parametrize("wrong", ["neither", "propensity", "expected"])
def test_one_right_model_is_enough_and_intervals_cover(wrong):
    rng = np.random.default_rng(7)
    held, effects = [], []
    for _ in range(300):
        _, is_member, propensity, expected, outcome = drawn(rng)
        if wrong == "propensity":
            propensity = np.full(len(outcome), 0.5)
        if wrong == "expected":
            expected = np.zeros(len(outcome))
        found = effect_on_members(
            Compared(outcome, is_member, propensity, expected, np.arange(len(outcome)))
        )
        held.append(found.low <= EFFECT <= found.high)
        effects.append(found.effect)
        assert found.naive > EFFECT + 1

    assert np.mean(effects) == pytest.approx(EFFECT, abs=0.05)
    assert np.mean(held) > 0.90


def test_rows_of_one_customer_are_no_independent_evidence():
    rng = np.random.default_rng(2)
    _, is_member, propensity, expected, outcome = drawn(rng, 400)
    alone = effect_on_members(Compared(outcome, is_member, propensity, expected, np.arange(400)))
    twice = np.tile(np.arange(400), 2)
    doubled = effect_on_members(
        Compared(outcome[twice], is_member[twice], propensity[twice], expected[twice], twice)
    )

    assert doubled.effect == pytest.approx(alone.effect)
    assert doubled.standard_error == pytest.approx(alone.standard_error)


def test_weights_balance_what_drives_joining():
    worth, is_member, propensity, *_ = drawn(np.random.default_rng(4), 20_000)
    covariates = np.column_stack([worth, np.where(worth > 2, np.nan, 1.0)])
    found = balance_of(covariates, is_member, weights_of(is_member, propensity))

    assert found.before[0] > 0.7
    assert abs(found.after[0]) < 0.1
    assert found.after[1] == 0.0


def test_standardised_difference_by_hand():
    # Means 2 and 1, variances 1 and 0 (of n): 1 / sqrt(1 / 2).
    found = balance_of(
        np.array([[1.0], [3.0], [1.0], [1.0]]),
        np.array([True, True, False, False]),
        np.ones(4),
    )

    assert found.before.tolist() == pytest.approx([np.sqrt(2)])


def test_overlap_counts_members_without_their_like():
    found = overlap_of(np.array([True, True, False, False]), np.array([0.99, 0.5, 0.5, 0.5]))

    assert (found.beyond, found.effective, found.n_comparisons) == (0.5, pytest.approx(2.0), 2)


def test_one_group_alone_is_refused():
    with pytest.raises(ValueError, match="one group is empty"):
        effect_on_members(
            Compared(np.ones(2), np.ones(2, dtype=bool), np.full(2, 0.5), np.ones(2), np.arange(2))
        )
