"""Shallow boosted trees for the mean of anything, a fixed number of them: what nuisances need."""

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from training.person_periods import Matrix

Values = NDArray[np.float64]
N_TREES = 60
_TREES = {
    "objective": "reg:squarederror",
    "max_depth": 3,
    "eta": 0.08,
    "min_child_weight": 20.0,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "lambda": 10.0,
    "tree_method": "hist",
    "max_bin": 64,
    "nthread": 1,
}


def fitted_trees(inputs: Matrix, target: Values, seed: int) -> xgb.Booster:
    """Fit a fixed number of shallow trees to a mean; gaps in the inputs may stay gaps."""
    parameters = _TREES | {"seed": seed, "base_score": float(target.mean())}
    return xgb.train(parameters, xgb.DMatrix(inputs, label=target, nthread=1), N_TREES)


def predicted(booster: xgb.Booster, inputs: Matrix) -> Values:
    """Return what trees say, shape (n,)."""
    return np.asarray(booster.inplace_predict(inputs), dtype=np.float64)
