"""Which learner serves, if any: every effect judged is of a customer the learner did not see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from training.uplift.effect_model import EffectCalibration, EffectModel
from training.uplift.learners import LEARNERS, Lesson, crossfitted_scores, folds
from valuation.effects import LEVEL
from valuation.targeting import Judged, Ranking, Standing, judged, resampled, standings

Values = NDArray[np.float64]
N_FOLDS = 5
SHARES = (0.1, 0.2, 0.3, 0.5)
"""Budgets that policies are judged under: shares of customers that can be treated."""
PLAIN = "mean"
CHURN = "churn"
"""Names the ranking by the chance of leaving: what one save rate for everybody comes to."""


@dataclass(frozen=True)
class LearnerFigures:
    """Hold how a learner did on customers it had not seen.

    `loss` is its mean squared distance from effect scores less that of the mean effect (below 0:
    it knows who differs), with the standard error of that difference.
    """

    loss: float
    loss_error: float
    standing: Standing
    calibration: EffectCalibration


@dataclass(frozen=True)
class Learned:
    """Hold the learner that serves, fitted on all customers and calibrated, and all figures."""

    name: str
    model: EffectModel
    figures: Mapping[str, LearnerFigures]
    mean: Judged
    n_customers: int


def learn(lesson: Lesson, seed: int, learners: Sequence[str] = tuple(LEARNERS)) -> Learned:
    """Fit every learner on parts, judge it on the rest, and fit the chosen one on all.

    The one with the least loss serves if that is less than the mean effect's and it ranks better
    than chance and, where the lesson has one, than the chance of leaving: the 95% intervals of its
    AUTOC and of the difference lie above 0. Else nobody is known to differ in more than that, and
    the mean effect serves.
    """
    scores = crossfitted_scores(lesson, seed)
    unseen = {name: unseen_effects(lesson, name, seed) for name in learners}
    known = {} if lesson.churn is None else {CHURN: _fitted_line(lesson.churn, scores)}
    figures = judge(unseen | known, scores, np.random.default_rng(seed))
    better = {
        name: figures[name].loss
        for name, effects in unseen.items()
        if _knows_who_differs(figures[name])
        and all(lead(effects, rival, scores, seed).low > 0 for rival in known.values())
    }
    name = min(better, key=lambda one: better[one]) if better else PLAIN
    calibration = figures[name].calibration if better else _flat(scores)
    model = LEARNERS[name](lesson, seed) if better else EffectModel()
    return Learned(name, model.calibrated(calibration), figures, _mean_of(scores), len(scores))


def unseen_effects(lesson: Lesson, name: str, seed: int) -> Values:
    """Return effects that a learner expects of customers it was not fitted on, shape (n,)."""
    effects = np.empty(len(lesson.inputs))
    for fitted, held in folds(lesson, N_FOLDS, seed):
        effects[held] = LEARNERS[name](lesson.rows(fitted), seed).raw(lesson.inputs[held])
    return effects


def lead(effects: Values, rival: Values, scores: Values, seed: int) -> Judged:
    """Return by how much expected effects rank better than others, in AUTOC, with its interval."""
    rankings = {"own": Ranking.of(scores, effects), "rival": Ranking.of(scores, rival)}
    drawn = resampled(rankings, (), np.random.default_rng(seed))
    found = {name: ranking.figures(())[0] for name, ranking in rankings.items()}
    spread = drawn["own"][:, 0] - drawn["rival"][:, 0]
    return judged(float(found["own"] - found["rival"]), spread)


def judge(
    effects: Mapping[str, Values], scores: Values, rng: np.random.Generator
) -> dict[str, LearnerFigures]:
    """Judge expected effects by effect scores of the same customers."""
    rankings = {name: Ranking.of(scores, each) for name, each in effects.items()}
    found = standings(rankings, SHARES, rng)
    return {name: _figures(each, scores, found[name]) for name, each in effects.items()}


def _figures(effects: Values, scores: Values, standing: Standing) -> LearnerFigures:
    over = np.square(scores - effects) - np.square(scores - scores.mean())
    return LearnerFigures(
        float(over.mean()), _error(over), standing, calibration_of(effects, scores)
    )


def _fitted_line(values: Values, scores: Values) -> Values:
    """Return the effects that a line in some values fits best; level where they say nothing."""
    line = calibration_of(values, scores)
    return line.level + line.slope * (values - line.centre)


def _knows_who_differs(figures: LearnerFigures) -> bool:
    return figures.loss < 0 and figures.standing.autoc.low > 0


def calibration_of(effects: Values, scores: Values) -> EffectCalibration:
    """Regress effect scores on expected effects, so that these mean what they say.

    A slope below 0 is held at 0: then nobody is known to differ.

    Notes
    -----
    Chernozhukov, Demirer, Duflo and Fernández-Val (2018), "Generic machine learning inference on
    heterogeneous treatment effects", best linear predictor; robust standard errors (HC1).
    """
    centre, level = float(effects.mean()), float(scores.mean())
    beside = effects - centre
    spread = float(np.square(beside).sum())
    if spread <= len(effects) * 1e-18:
        return EffectCalibration(centre, level, 0.0, _error(scores), 0.0)
    slope = float((beside * scores).sum()) / spread
    left = scores - level - slope * beside
    freedom = len(scores) / (len(scores) - 2)
    slope_error = float(np.sqrt(freedom * np.square(beside * left).sum())) / spread
    level_error = float(np.sqrt(freedom * np.square(left).sum())) / len(scores)
    return EffectCalibration(centre, level, max(slope, 0.0), level_error, slope_error)


def _mean_of(scores: Values) -> Judged:
    level, reach = float(scores.mean()), float(ndtri((1 + LEVEL) / 2)) * _error(scores)
    return Judged(level, level - reach, level + reach)


def _error(values: Values) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _flat(scores: Values) -> EffectCalibration:
    return EffectCalibration(0.0, float(scores.mean()), 0.0, _error(scores), 0.0)
