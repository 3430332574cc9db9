"""How a classifier did on the later part of its training window, for tracking."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
_LEAST = 1e-9


@dataclass(frozen=True)
class Check:
    """Hold probabilities, outcomes (0 or 1) and weights of later rows, shape (n_rows,) each.

    The level and slope of the calibration were fitted on the same rows: a diagnosis, no
    backtest.
    """

    name: str
    probability: Values
    outcome: Values
    weight: Values

    def metrics(self) -> dict[str, float]:
        """Return weighted log-loss, Brier score, and predicted over actual."""
        held = np.clip(self.probability, _LEAST, 1 - _LEAST)
        losses = -(self.outcome * np.log(held) + (1 - self.outcome) * np.log1p(-held))
        errors = np.square(self.probability - self.outcome)
        predicted = float(self.weight @ self.probability)
        return {
            "log_loss": float(np.average(losses, weights=self.weight)),
            "brier": float(np.average(errors, weights=self.weight)),
            "predicted_actual": predicted / max(float(self.weight @ self.outcome), _LEAST),
        }

    def calibration_curve(self, n_bins: int = 10) -> tuple[Values, Values]:
        """Return mean probability and share of outcomes in bins of equal weight, rising."""
        order = np.argsort(self.probability, kind="stable")
        reached = np.cumsum(self.weight[order]) / self.weight.sum()
        bins = np.minimum((reached * n_bins).astype(np.int64), n_bins - 1)
        weight = np.bincount(bins, self.weight[order], n_bins)
        predicted = np.bincount(bins, (self.weight * self.probability)[order], n_bins)
        actual = np.bincount(bins, (self.weight * self.outcome)[order], n_bins)
        filled = weight > 0
        return predicted[filled] / weight[filled], actual[filled] / weight[filled]

    def gain_curve(self) -> tuple[Values, Values]:
        """Return the share of rows taken, highest first, and the share of outcomes among them."""
        order = np.argsort(-self.probability, kind="stable")
        taken = np.cumsum(self.weight[order]) / self.weight.sum()
        found = np.cumsum((self.weight * self.outcome)[order])
        return taken, found / max(found[-1], _LEAST)
