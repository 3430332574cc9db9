"""Accelerated failure time on the signals at a landmark: XGBoost's `survival:aft`.

log T = f(signals) + sigma e, with T in months since the landmark and e normal, logistic or
extreme-value distributed; an exit in month k is known to lie between k - 1 and k. After Barnwal,
Cho and Hocking (2022), "Survival Regression with Accelerated Failure Time Model in XGBoost",
Journal of Computational and Graphical Statistics 31(4).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, ndtr

from training.fit_errors import CannotBeFittedError
from training.landmark_rows import LandmarkRows
from training.person_periods import Matrix

Values = NDArray[np.float64]
FEWEST_EXITS = 100
_MOST_TREES = 150
_TREES_UNTRIED = 30
_EACH = 10
_ROWS_FOR_TWO_THREADS = 100_000
_TREES = {
    "objective": "survival:aft",
    "tree_method": "hist",
    "max_bin": 64,
    "max_depth": 3,
    "eta": 0.1,
    "subsample": 0.8,
    "colsample_bytree": 0.5,
    "lambda": 5.0,
}
_SURVIVAL: Mapping[str, Callable[[Values], Values]] = {
    "normal": lambda z: ndtr(-z),
    "logistic": lambda z: expit(-z),
    "extreme": lambda z: np.exp(-np.exp(np.minimum(z, 50.0))),
}


@dataclass(frozen=True)
class Noise:
    """Hold the distribution of e by name, sigma, and f before any signal is looked at."""

    distribution: str
    sigma: float
    level: float

    def survival(self, log_time: Values, month: Values) -> Values:
        """Return P(T > month), by row of log_time, shape (n, n_months)."""
        z = (np.log(month) - log_time[:, None]) / self.sigma
        return _SURVIVAL[self.distribution](z)


@dataclass(frozen=True)
class AcceleratedFailureTime:
    """Hold the trees and the noise around them."""

    booster: xgb.Booster
    noise: Noise

    def survival(self, signals: Matrix, n_months: int) -> Values:
        """Return P(there after k months), shape (n, n_months)."""
        return _survival(self.booster, self.noise, signals, n_months)


def fit_aft(rows: LandmarkRows, seed: int) -> AcceleratedFailureTime:
    """Fit with the noise that suits all rows and as many trees as the latest landmark bears.

    Raises
    ------
    CannotBeFittedError
        If fewer than 100 exits were seen.
    """
    if rows.is_exit.sum() < FEWEST_EXITS:
        raise CannotBeFittedError(
            f"{rows.is_exit.sum()} exits were seen after landmarks; at least {FEWEST_EXITS} needed."
        )
    noise = min((fit_noise(rows, name) for name in _SURVIVAL), key=lambda noise: _loss(rows, noise))
    earlier, later = rows.earlier_and_later()
    n_trees = _TREES_UNTRIED
    if earlier.is_exit.sum() >= FEWEST_EXITS:
        n_trees = _best_number(earlier, later, noise, seed)
    return AcceleratedFailureTime(_trees(rows, noise, n_trees, seed), noise)


def fit_noise(rows: LandmarkRows, distribution: str) -> Noise:
    """Fit level and sigma by maximum likelihood, as if there were no signals."""

    def noise_of(parameters: Values) -> Noise:
        level, log_sigma = parameters
        return Noise(distribution, float(np.exp(log_sigma)), float(level))

    def loss(parameters: Values) -> float:
        return _loss(rows, noise_of(parameters))

    start = np.array([np.log(rows.last_month.max()), 0.0])
    return noise_of(minimize(loss, start, method="Nelder-Mead").x)


def _loss(rows: LandmarkRows, noise: Noise) -> float:
    months = np.arange(1.0, rows.last_month.max() + 1)
    return rows.log_loss(noise.survival(np.array([noise.level]), months))


def _best_number(earlier: LandmarkRows, later: LandmarkRows, noise: Noise, seed: int) -> int:
    """Return the number of trees on earlier rows that says most about later ones."""
    booster = _trees(earlier, noise, _MOST_TREES, seed)
    months = int(later.months_observed.max())
    numbers = range(_EACH, _MOST_TREES + 1, _EACH)
    losses = [
        later.log_loss(_survival(booster, noise, later.signals, months, number))
        for number in numbers
    ]
    return numbers[int(np.argmin(losses))]


def _trees(rows: LandmarkRows, noise: Noise, n_trees: int, seed: int) -> xgb.Booster:
    end = rows.last_month.astype(np.float64)
    level = np.full(len(end), noise.level)
    matrix = xgb.DMatrix(rows.signals, base_margin=level, nthread=_threads(len(end)))
    matrix.set_float_info("label_lower_bound", np.where(rows.is_exit, end - 1, end))
    matrix.set_float_info("label_upper_bound", np.where(rows.is_exit, end, np.inf))
    parameters = _TREES | {
        "aft_loss_distribution": noise.distribution,
        "aft_loss_distribution_scale": noise.sigma,
        "seed": seed,
        "nthread": _threads(len(end)),
    }
    return xgb.train(parameters, matrix, n_trees)


def _survival(
    booster: xgb.Booster, noise: Noise, signals: Matrix, n_months: int, n_trees: int = 0
) -> Values:
    """Return the survival curve of the first trees, of all where `n_trees` is 0."""
    log_time = booster.inplace_predict(
        signals,
        iteration_range=(0, n_trees),
        predict_type="margin",
        base_margin=np.full(len(signals), noise.level),
    )
    return noise.survival(log_time.astype(np.float64), np.arange(1.0, n_months + 1))


def _threads(n_rows: int) -> int:
    return 2 if n_rows > _ROWS_FOR_TWO_THREADS else 1
