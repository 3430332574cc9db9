"""What makes customers join a programme, and what they would have done anyway: cross-fitted.

No model sees the customer it judges, on whatever day; that is what keeps the estimate honest.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from training.mean_trees import fitted_trees, predicted
from training.squashing import fit_squashing

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]
N_FOLDS = 5
_PENALTY = 0.02
"""Inverse strength: a hundred and more signals, often few members."""


def fitted_propensity(covariates: Values, is_member: Flags, customer: Rows, seed: int) -> Values:
    """Return P(joins) of every row from a logistic line of squashed covariates, shape (n,)."""
    found, inputs = np.empty(len(covariates)), covariates.astype(np.float32)
    for fitted, held in _folds(customer, seed):
        squashing = fit_squashing(inputs[fitted])
        line = LogisticRegression(C=_PENALTY, max_iter=500)
        line.fit(squashing.inputs(inputs[fitted]), is_member[fitted])
        found[held] = line.predict_proba(squashing.inputs(inputs[held]))[:, 1]
    return found


def fitted_expectation(
    covariates: Values, outcome: Values, is_member: Flags, customer: Rows, seed: int
) -> Values:
    """Return the outcome expected of every row had nobody joined, shape (n,): boosted trees."""
    found, inputs = np.empty(len(covariates)), covariates.astype(np.float32)
    for fitted, held in _folds(customer, seed):
        others = fitted[~is_member[fitted]]
        trees = fitted_trees(inputs[others], outcome[others], seed)
        found[held] = predicted(trees, inputs[held])
    return found


def _folds(customer: Rows, seed: int) -> list[tuple[Rows, Rows]]:
    splitter = GroupKFold(N_FOLDS, shuffle=True, random_state=seed)
    return list(splitter.split(customer, groups=customer))
