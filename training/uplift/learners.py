"""Meta-learners of uplift: T, X and DR, each on boosted trees or a ridge line.

None of them is told what it will be judged on; which one serves is decided in
`training.uplift.judging`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import StratifiedKFold

from training.mean_trees import fitted_trees, predicted
from training.person_periods import Matrix
from training.squashing import fit_squashing
from training.uplift.effect_model import EffectModel, Line
from valuation.targeting import Trial, effect_scores

Values = NDArray[np.float64]
_FOLDS_INSIDE = 3
_PENALTIES = np.logspace(0, 5, 11)


@dataclass(frozen=True)
class Lesson:
    """Hold what a learner may learn from: inputs (n, n_inputs) of customers in a trial.

    `churn` (n,) is how likely a model of before thought them to leave, where there was one: what
    customers are ranked by while nobody is known to differ.
    """

    inputs: Matrix
    trial: Trial
    churn: Values | None = None

    def rows(self, kept: NDArray[np.int64]) -> "Lesson":
        """Return the lesson of some customers."""
        churn = None if self.churn is None else self.churn[kept]
        return Lesson(self.inputs[kept], Trial(*(column[kept] for column in self.trial)), churn)

    @property
    def treated(self) -> NDArray[np.bool_]:
        """Who was treated, shape (n,)."""
        return np.asarray(self.trial.treated > 0)


Learner = Callable[[Lesson, int], EffectModel]


def t_learner(lesson: Lesson, seed: int) -> EffectModel:
    """Learn the outcome of treated and of control apart; the effect is their difference."""
    above, below = outcomes_by_arm(lesson, seed)
    return EffectModel(trees=((1.0, above), (-1.0, below)))


def x_learner(lesson: Lesson, seed: int) -> EffectModel:
    """Learn from effects imputed by the other arm's model, weighted by the share treated.

    With m1, m0 the outcome models and e the propensity: D1 = Y - m0 of the treated and
    D0 = m1 - Y of the control are regressed, and effect = e d0 + (1 - e) d1.

    Notes
    -----
    Künzel, Sekhon, Bickel and Yu (2019), "Metalearners for estimating heterogeneous treatment
    effects using machine learning".
    """
    above, below = outcomes_by_arm(lesson, seed)
    treated, outcome = lesson.treated, lesson.trial.outcome
    of_treated = outcome[treated] - predicted(below, lesson.inputs[treated])
    of_control = predicted(above, lesson.inputs[~treated]) - outcome[~treated]
    share = float(lesson.trial.propensity.mean())
    return EffectModel(
        trees=(
            (1 - share, fitted_trees(lesson.inputs[treated], of_treated, seed)),
            (share, fitted_trees(lesson.inputs[~treated], of_control, seed)),
        )
    )


def dr_trees(lesson: Lesson, seed: int) -> EffectModel:
    """Regress doubly robust scores on trees.

    Notes
    -----
    Kennedy (2023), "Towards optimal doubly robust estimation of heterogeneous causal effects".
    """
    scores = crossfitted_scores(lesson, seed)
    return EffectModel(trees=((1.0, fitted_trees(lesson.inputs, scores, seed)),))


def dr_line(lesson: Lesson, seed: int) -> EffectModel:
    """Regress doubly robust scores on a line of squashed inputs, its penalty by validation."""
    scores = crossfitted_scores(lesson, seed)
    squashing = fit_squashing(lesson.inputs)
    ridge = RidgeCV(alphas=_PENALTIES).fit(squashing.inputs(lesson.inputs), scores)
    return EffectModel(line=Line(squashing, np.asarray(ridge.coef_), float(ridge.intercept_)))


LEARNERS: Mapping[str, Learner] = {
    "dr_line": dr_line,
    "dr_trees": dr_trees,
    "x": x_learner,
    "t": t_learner,
}
"""From the simplest to the most complex."""


def crossfitted_scores(lesson: Lesson, seed: int, n_folds: int = _FOLDS_INSIDE) -> Values:
    """Return effect scores whose outcome models did not see the customer they judge, (n,)."""
    above, below = np.empty(len(lesson.inputs)), np.empty(len(lesson.inputs))
    for fitted, held in folds(lesson, n_folds, seed):
        models = outcomes_by_arm(lesson.rows(fitted), seed)
        above[held], below[held] = (predicted(each, lesson.inputs[held]) for each in models)
    return effect_scores(lesson.trial, above, below)


def folds(
    lesson: Lesson, n_folds: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return (others, fold) rows; every fold has its share of treated, of outcomes too."""
    strata = 2 * lesson.treated + (lesson.trial.outcome > lesson.trial.outcome.mean())
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    return list(splitter.split(lesson.inputs, strata))


def outcomes_by_arm(lesson: Lesson, seed: int) -> tuple[xgb.Booster, xgb.Booster]:
    """Fit the outcome of the treated, and that of the control."""
    above, below = (
        fitted_trees(lesson.inputs[arm], lesson.trial.outcome[arm], seed)
        for arm in (lesson.treated, ~lesson.treated)
    )
    return above, below
