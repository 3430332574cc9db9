"""How sure a difference between two models is: both judged on the same resampled customers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
_RESAMPLES = 1000


@dataclass(frozen=True)
class Difference:
    """Hold the mean difference of losses, below zero where the first model is better.

    `low` and `high` bound it, by the share of resamples that was asked for.
    """

    mean: float
    low: float
    high: float


def paired_difference(
    loss: Values,
    other_loss: Values,
    customer: NDArray[np.object_],
    rng: np.random.Generator,
    *,
    level: float = 0.95,
) -> Difference:
    """Return the mean of `loss - other_loss` with a percentile interval of a paired bootstrap.

    All rows of a customer, of several cutoffs say, are drawn together (Efron and Tibshirani 1993,
    "An Introduction to the Bootstrap", chapter 13 on percentiles).

    Parameters
    ----------
    loss, other_loss, customer : (n_rows,)
        The losses of both models on the same rows, and whose rows they are.
    level : float
        How much the interval shall cover, in (0, 1).
    """
    _, member, n_rows = np.unique(customer, return_inverse=True, return_counts=True)
    total = np.bincount(member, loss - other_loss)
    means = np.empty(_RESAMPLES)
    for number in range(_RESAMPLES):
        drawn = rng.integers(len(total), size=len(total))
        means[number] = total[drawn].sum() / n_rows[drawn].sum()
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Difference(float(total.sum() / n_rows.sum()), float(low), float(high))
