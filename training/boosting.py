"""Boosted trees on top of an anchor: early stopping on a later slice, then a refit on all rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from training.person_periods import Matrix

MOST_ROWS = 400_000
"""Above so many rows, those on which nothing happened are sampled."""
_TREES = {
    "max_depth": 4,
    "eta": 0.1,
    "min_child_weight": 10.0,
    "subsample": 0.8,
    "colsample_bytree": 0.5,
    "lambda": 5.0,
    "tree_method": "hist",
    "max_bin": 64,
}
_MOST_TREES = 100
_PATIENCE = 15
_ROWS_FOR_TWO_THREADS = 100_000


@dataclass(frozen=True)
class RowSample:
    """Say how many rows trees are fitted on, about, and the seed that draws them."""

    most_rows: int = MOST_ROWS
    seed: int = 0


@dataclass(frozen=True)
class Rows:
    """Hold training rows: inputs (n, n_inputs), anchor on the link scale, outcome, weight."""

    inputs: Matrix
    anchor: NDArray[np.float64]
    outcome: NDArray[np.float64]
    weight: NDArray[np.float64]

    def only(self, kept: NDArray[np.bool_]) -> "Rows":
        """Return the rows that are kept."""
        return Rows(self.inputs[kept], self.anchor[kept], self.outcome[kept], self.weight[kept])

    def matrix(self) -> xgb.DMatrix:
        """Return the rows as XGBoost takes them, the anchor as base margin."""
        return xgb.DMatrix(
            self.inputs,
            label=self.outcome,
            weight=self.weight,
            base_margin=self.anchor,
            nthread=_threads(len(self.inputs)),
        )


@dataclass(frozen=True)
class Stopped:
    """Hold the booster fitted on earlier rows, and its link-scale predictions on later ones."""

    booster: xgb.Booster
    n_trees: int
    later_margin: NDArray[np.float64]


def fit_until_later_rows_say_stop(earlier: Rows, later: Rows, objective: str, seed: int) -> Stopped:
    """Fit on earlier rows until the loss on later rows stops falling."""
    evaluated = later.matrix()
    booster = xgb.train(
        _parameters(objective, seed, len(earlier.inputs)),
        earlier.matrix(),
        num_boost_round=_MOST_TREES,
        evals=[(evaluated, "later")],
        early_stopping_rounds=_PATIENCE,
        verbose_eval=False,
    )
    n_trees = booster.best_iteration + 1
    margin = booster.predict(evaluated, output_margin=True, iteration_range=(0, n_trees))
    return Stopped(booster, n_trees, margin.astype(np.float64))


def fit_trees(rows: Rows, n_trees: int, objective: str, seed: int) -> xgb.Booster:
    """Fit a given number of trees on all rows."""
    parameters = _parameters(objective, seed, len(rows.inputs))
    return xgb.train(parameters, rows.matrix(), num_boost_round=n_trees)


def predict_margin(
    booster: xgb.Booster | None, inputs: Matrix, anchor: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the link-scale prediction: the anchor plus the trees, or the anchor alone."""
    if booster is None:
        return anchor
    # In place: a matrix of XGBoost's own costs more than the trees.
    margin = booster.inplace_predict(inputs, predict_type="margin", base_margin=anchor)
    return np.asarray(margin, dtype=np.float64)


def _parameters(objective: str, seed: int, n_rows: int) -> dict[str, Any]:
    return _TREES | {"objective": objective, "seed": seed, "nthread": _threads(n_rows)}


def _threads(n_rows: int) -> int:
    """Return one thread for few rows: on a busy machine threads wait for each other, spinning."""
    return 2 if n_rows >= _ROWS_FOR_TWO_THREADS else 1
