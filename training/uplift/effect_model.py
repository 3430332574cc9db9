"""The expected effect of a treatment by customer: a sum of trees and a line, then calibrated."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from training.person_periods import Matrix
from training.squashing import Squashing

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """Hold a linear model of squashed inputs: slopes (n_squashed,) and its level."""

    squashing: Squashing
    slopes: Values
    level: float

    def predict(self, inputs: Matrix) -> Values:
        """Return the line's value, shape (n,)."""
        return np.asarray(self.level + self.squashing.inputs(inputs) @ self.slopes)


class EffectCalibration(NamedTuple):
    """Hold how learned effects turn into expected ones, and how sure that is.

    effect = level + slope (raw - centre); `level_error` and `slope_error` are standard errors.
    Slope 0 says that nobody is known to differ from the mean effect.
    """

    centre: float = 0.0
    level: float = 0.0
    slope: float = 1.0
    level_error: float = 0.0
    slope_error: float = 0.0


@dataclass(frozen=True)
class EffectModel:
    """Hold a fitted learner: raw effect = level + sum of weight x trees, or a line."""

    level: float = 0.0
    trees: tuple[tuple[float, xgb.Booster], ...] = ()
    line: Line | None = None
    calibration: EffectCalibration = field(default_factory=EffectCalibration)

    def raw(self, inputs: Matrix) -> Values:
        """Return learned effects before calibration, shape (n,)."""
        found = np.full(len(inputs), self.level)
        for weight, booster in self.trees:
            found += weight * booster.inplace_predict(inputs).astype(np.float64)
        return found if self.line is None else found + self.line.predict(inputs)

    def effect(self, inputs: Matrix) -> tuple[Values, Values]:
        """Return the expected effect and its standard error, shape (n,) each."""
        known = self.calibration
        beside = self.raw(inputs) - known.centre if known.slope else np.zeros(len(inputs))
        error = np.hypot(known.level_error, known.slope_error * beside)
        return known.level + known.slope * beside, error

    def calibrated(self, calibration: EffectCalibration) -> "EffectModel":
        """Return the model with another calibration."""
        return replace(self, calibration=calibration)
