"""What a customer brings or costs a month besides the plan, by credibility.

The own mean counts as far as it is credible: z = t / (t + k) with t months of exposure and
k the variance within customers over the variance between them (Buehlmann and Straub 1970).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW_MONTHS = 12


@dataclass(frozen=True)
class Credibility:
    """Hold the portfolio's mean a month, and the months of exposure at which z is one half."""

    mean: float
    half_months: float

    def expected(
        self, total: NDArray[np.float64], exposure_months: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the expected flow a month, shape (n,), from own total and months of exposure."""
        if not np.isfinite(self.half_months):
            return np.full(len(total), self.mean)
        weight = exposure_months + self.half_months
        return (total + self.half_months * self.mean) / np.maximum(weight, 1e-9)


def fit_credibility(flows: NDArray[np.float64], exposure: NDArray[np.float64]) -> Credibility:
    """Fit from flows and exposure by customer and month, shape (n_customers, n_months) each."""
    months = exposure.sum(axis=1)
    known = months > 0
    if not known.any():
        return Credibility(0.0, np.inf)
    flows, exposure, months = flows[known], exposure[known], months[known]
    mean = float(flows.sum() / months.sum())
    own = flows.sum(axis=1) / months
    rate = np.divide(flows, exposure, out=np.zeros_like(flows), where=exposure > 0)
    freedom = np.maximum((exposure > 0).sum(axis=1) - 1, 0).sum()
    within = float((exposure * np.square(rate - own[:, None])).sum() / max(freedom, 1))
    total = months.sum()
    spread = (months * np.square(own - mean)).sum() - (len(months) - 1) * within
    between = float(spread / max(total - np.square(months).sum() / total, 1e-9))
    return Credibility(mean, within / between if between > 0 else np.inf)


def credibility_as_json(credibility: Credibility) -> dict[str, float | None]:
    """Return it as numbers; null stands for endless, which JSON does not know."""
    is_endless = math.isinf(credibility.half_months)
    return {
        "mean": credibility.mean,
        "half_months": None if is_endless else credibility.half_months,
    }


def credibility_from_json(parts: dict[str, float | None]) -> Credibility:
    """Return what `credibility_as_json` wrote."""
    mean, half_months = parts["mean"], parts["half_months"]
    return Credibility(float(mean or 0.0), math.inf if half_months is None else half_months)
