"""Learners find effects that are there, and no learner serves where there are none to find."""

from dataclasses import replace

import numpy as np
import pytest

from tests.training.uplift.trials import lesson
from training.uplift.judging import CHURN, PLAIN, calibration_of, learn
from training.uplift.learners import LEARNERS, crossfitted_scores


@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_ranks_by_what_moves_customers(name):
    known = lesson(6000, spread=0.1)
    effects = LEARNERS[name](known, 1).raw(lesson(2000, spread=0.1, seed=9).inputs)
    truth = lesson(2000, spread=0.1, seed=9).inputs[:, 0]

    assert np.corrcoef(effects, truth)[0, 1] > 0.6
    assert effects.mean() == pytest.approx(0.05, abs=0.03)


def test_scores_average_to_the_effect():
    assert crossfitted_scores(lesson(8000, spread=0.0), 1).mean() == pytest.approx(0.05, abs=0.025)


def test_a_learner_serves_only_if_it_ranks_better_than_the_chance_of_leaving():
    """Effects follow the first input: of who is ranked by it already, nothing is to be learned."""
    known = lesson(6000, spread=0.1)
    by_effect, by_chance = (1 / (1 + np.exp(-known.inputs[:, n].astype(float))) for n in (0, 3))

    knows_as_much = learn(replace(known, churn=by_effect), 1, ["dr_line"])
    assert knows_as_much.name == PLAIN
    assert knows_as_much.figures["dr_line"].standing.autoc.low > 0
    assert knows_as_much.figures[CHURN].standing.autoc.low > 0
    assert learn(replace(known, churn=by_chance), 1, ["dr_line"]).name == "dr_line"


def test_a_learner_that_knows_who_differs_serves_calibrated():
    found = learn(lesson(6000, spread=0.1), 1, ["dr_line", "x"])
    inputs = lesson(4000, spread=0.1, seed=5).inputs
    effects, error = found.model.effect(inputs)
    truth = 0.05 + 0.1 * np.clip(inputs[:, 0], -2, 2)
    highest = inputs[:, 0] > 1

    assert found.name in ("dr_line", "x")
    assert found.figures[found.name].standing.autoc.low > 0
    assert effects[highest].mean() == pytest.approx(truth[highest].mean(), abs=0.05)
    assert (error > 0).all()


def test_where_nobody_differs_everybody_has_the_mean_effect():
    found = learn(lesson(3000, spread=0.0, seed=3), 1, ["dr_line", "t"])
    effects, error = found.model.effect(lesson(5, spread=0.0).inputs)

    assert found.name == PLAIN
    assert effects == pytest.approx(np.full(5, found.mean.value))
    assert error == pytest.approx(np.full(5, (found.mean.high - found.mean.value) / 1.959964))


def test_calibration_by_hand_shrinks_what_is_said_twice_too_loud():
    scores = np.array([0.0, 2.0, 4.0, 6.0])
    found = calibration_of(2 * scores, scores)

    assert (found.centre, found.level, found.slope) == (6.0, 3.0, 0.5)
    assert found.slope_error == pytest.approx(0.0)


def test_a_ranking_that_is_upside_down_is_held_at_the_mean():
    scores = np.array([0.0, 2.0, 4.0, 6.0])

    assert calibration_of(-scores, scores).slope == 0.0
