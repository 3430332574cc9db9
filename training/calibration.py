"""Calibration of probabilities on a later window than they were trained on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

_FEWEST_FOR_SLOPE = 100
_SLOPE_DEVIATION = 0.25
_LEVEL_DEVIATION = 0.15


@dataclass(frozen=True)
class LogitCalibration:
    """Map a logit to level + slope x logit (Platt 1999); (0, 1) leaves it as it is."""

    level: float = 0.0
    slope: float = 1.0

    def logit(self, logit: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the calibrated logit."""
        return self.level + self.slope * logit


def fit_calibration(
    logit: NDArray[np.float64], outcome: NDArray[np.float64], weight: NDArray[np.float64]
) -> LogitCalibration:
    """Fit level and slope by penalised likelihood; the slope stays 1 with few outcomes."""
    fits_slope = outcome.sum() >= _FEWEST_FOR_SLOPE and outcome.sum() < len(outcome)

    def loss(parameters: NDArray[np.float64]) -> float:
        level, slope = parameters
        raised = level + (slope if fits_slope else 1.0) * logit
        log_loss = np.logaddexp(0.0, raised) - outcome * raised
        prior = (level / _LEVEL_DEVIATION) ** 2 + ((slope - 1) / _SLOPE_DEVIATION) ** 2
        return float(weight @ log_loss + prior / 2)

    level, slope = minimize(loss, np.array([0.0, 1.0]), method="BFGS").x
    return LogitCalibration(float(level), float(slope))


def logit(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(p / (1 - p)), finite for p strictly between 0 and 1."""
    return np.log(probability) - np.log1p(-probability)


def probability(logit_: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-logit))."""
    result: NDArray[np.float64] = expit(logit_)
    return result
