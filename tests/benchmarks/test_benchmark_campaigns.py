"""The benchmark of campaigns counts what it says: places, refusals, and paired differences."""

import numpy as np
import pytest

from benchmarks.campaigns.operators import JudgedOperator, Truth
from benchmarks.campaigns.page import results_page
from benchmarks.campaigns.policies import POLICIES, oracle, profit_of


def known_operator():
    """Two who leave for sure, one always saved and one never; a stayer who is driven away."""
    shape = np.array([[1.0, 0.0, 0.0]])
    disturbed = np.array([[0.0, 0.0, 1.0]])
    churn, worth = np.array([1.0, 1.0, 0.0]), np.array([100.0, 100.0, 100.0])
    return JudgedOperator([], Truth(churn, worth, worth, shape, disturbed))


def test_true_profit_by_hand():
    """Saved: 100 - 12 - 0.8. Lost: the contact. Driven away: 100, the contact, 15% of 12."""
    assert known_operator().truth.profit() == pytest.approx(
        np.array([[87.2, -0.8, -100 - 0.8 - 1.8]])
    )


def test_a_policy_is_paid_for_its_places_alone_and_not_for_whom_it_leaves():
    operator = known_operator()
    everybody = np.array([3.0, 2.0, 1.0])
    assert profit_of(everybody, 1, operator) == pytest.approx(87.2)
    assert profit_of(everybody, 2, operator) == pytest.approx(86.4)
    assert profit_of(np.array([np.nan, 2.0, np.nan]), 3, operator) == pytest.approx(-0.8)


def test_nobody_does_better_than_the_oracle():
    operator, rng = known_operator(), np.random.default_rng(1)
    for places in (1, 2, 3):
        best = profit_of(oracle(operator, rng), places, operator)
        assert best == pytest.approx(87.2)
        for _ in range(10):
            assert profit_of(rng.random(3), places, operator) <= best + 1e-9


def test_the_page_gives_paired_intervals_and_says_what_was_not_beaten():
    profit = dict.fromkeys(POLICIES, 1.0) | {"keepworth": 5.0, "oracle": 10.0}
    readings = [
        {"seed": seed, "profit": {"5%": profit | {"random": float(seed)}}} for seed in (1, 2, 3)
    ]
    at = {"date": "2026-01-01", "commit": "abc", "changed": False}
    page = results_page({"policies": {"at": at, "readings": readings}})
    assert "3 seeds, 1 to 3" in page
    # Differences 4, 3, 2: mean 3, t(2 degrees, 97.5%) = 4.3027, standard error 1 / sqrt(3).
    assert "| keepworth less random | 3.0 (0.5 to 5.5) |" in page
    assert "| keepworth, share of the oracle | 50% |" in page
    assert "keepworth beats the three policies of habit at every budget" in page
