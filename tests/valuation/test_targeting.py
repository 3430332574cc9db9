"""Rankings by expected effect are judged as by hand, and chance scores nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.targeting import Ranking, Trial, effect_scores, standings

RNG = np.random.default_rng


def test_scores_by_hand_with_expectations():
    trial = Trial(np.array([1.0, 0.0]), np.array([1.0, 0.0]), np.array([0.8, 0.8]))
    scores = effect_scores(trial, np.array([0.9, 0.9]), np.array([0.5, 0.5]))

    # .4 + (1 - .9) / .8, and .4 - (0 - .5) / .2.
    assert scores == pytest.approx([0.525, 2.9])


def test_scores_average_to_the_effect_however_wrong_expectations_are():
    rng = RNG(1)
    treated = (rng.random(200_000) < 0.8).astype(float)
    outcome = rng.normal(size=200_000) + 0.5 * treated
    wrong = np.full(200_000, 3.0)
    trial = Trial(treated, outcome, np.full(200_000, 0.8))

    assert effect_scores(trial, wrong, -wrong).mean() == pytest.approx(0.5, abs=0.05)
    assert effect_scores(trial).mean() == pytest.approx(0.5, abs=0.02)


def test_a_ranking_of_three_by_hand():
    # In this order the mean effects so far are 3, 2, 1, and so is that of all, 1.
    ranking = Ranking.of(np.array([1.0, 3.0, -1.0]), np.array([0.5, 0.9, 0.1]))

    autoc, qini, *gains = ranking.figures([0.0, 1 / 3, 0.5])
    assert autoc == pytest.approx((3 + 2 + 1) / 3 - 1)
    assert qini == pytest.approx((1 / 3 * 2 + 2 / 3 * 1 + 0) / 3)
    assert gains == pytest.approx([0.0, 1.0, 1.0 + 0.5 / 3])


def test_equal_priorities_rank_nobody():
    ranking = Ranking.of(RNG(2).normal(size=50), np.ones(50))

    assert ranking.figures([]) == pytest.approx([0.0, 0.0], abs=1e-12)


@given(st.integers(0, 2**31))
def test_weights_stand_for_copies(seed):
    rng = RNG(seed)
    score, priority = rng.normal(size=12), rng.integers(0, 5, 12).astype(float)
    weight = rng.integers(0, 3, 12).astype(float) + np.eye(12)[0]
    copies = np.repeat(np.arange(12), weight.astype(int))
    weighted, copied = Ranking.of(score, priority), Ranking.of(score[copies], priority[copies])

    assert weighted.figures([0.4], weight)[1:] == pytest.approx(copied.figures([0.4])[1:])


@given(st.integers(0, 2**31))
def test_only_the_order_of_priorities_counts(seed):
    rng = RNG(seed)
    score, priority = rng.normal(size=20), rng.normal(size=20)
    one, other = Ranking.of(score, priority), Ranking.of(score, np.exp(priority) + 7)

    np.testing.assert_array_equal(one.figures([0.3]), other.figures([0.3]))


def test_the_right_order_is_clear_and_chance_is_not():
    rng = RNG(5)
    effect = rng.normal(size=4000)
    treated = (rng.random(4000) < 0.5).astype(float)
    outcome = rng.normal(size=4000) + effect * treated
    scores = effect_scores(Trial(treated, outcome, np.full(4000, 0.5)))
    rankings = {"truth": effect, "chance": rng.random(4000)}
    ranked = {name: Ranking.of(scores, each) for name, each in rankings.items()}
    found = standings(ranked, [0.2], RNG(6))

    # For standard normal effects the area is the integral of E[X | X > z(q)], 0.903...
    assert found["truth"].autoc.low < 0.903 < found["truth"].autoc.high
    assert found["truth"].autoc.low > 0.5
    assert found["chance"].autoc.low < 0 < found["chance"].autoc.high
    # The first fifth of a standard normal has a mean of 1.400: phi(0.8416) / 0.2.
    gain = found["truth"].gains[0.2]
    assert gain.value == pytest.approx(0.28, abs=3 * (gain.high - gain.value) / 1.96)


def test_a_certain_assignment_is_refused():
    with pytest.raises(ValueError, match=r"propensity is 1\.0 in row 0"):
        effect_scores(Trial(np.ones(1), np.ones(1), np.ones(1)))
