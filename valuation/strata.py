"""Strata: groups compared like with like, where the share of the control group changed.

Chance parts two groups among those who were assigned at one share. Whoever was assigned at
another is of other days too, so that pooled groups differ by more than chance.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from valuation.arrays import FloatArray

FEWEST = 2
"""A stratum with fewer of a group has nobody to compare, or says nothing of how they scatter."""


@dataclass(frozen=True)
class Strata:
    """Hold the stratum of every customer, as numbers from 0, and the weight of each.

    `treated` (n_treated,), `control` (n_control,); `weights` (n_strata,) add up to 1: the shares
    of the treated in each, so that an effect is that on the treated as they are.
    """

    treated: NDArray[np.int64]
    control: NDArray[np.int64]
    weights: FloatArray

    @classmethod
    def of(cls, treated: FloatArray, control: FloatArray) -> Self:
        """Return the strata of customers by a label each; NaN is a label as any other.

        Raises
        ------
        ValueError
            If a stratum has none of a group.
        """
        _, found = np.unique(np.concatenate([treated, control]), return_inverse=True)
        of_treated, of_control = found[: len(treated)], found[len(treated) :]
        n_treated, n_control = np.bincount(of_treated), np.bincount(of_control)
        if len(n_treated) != len(n_control) or not (n_treated * n_control).all():
            raise ValueError("a stratum has customers of one group alone; leave them out.")
        return cls(of_treated, of_control, n_treated / len(treated))

    def levelled(self, treated: FloatArray, control: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return values whose plain means and variances are those of a comparison by stratum.

        With m_s the mean of a group's n_s customers in stratum s, W_s the weights and N the size
        of the group::

            m = sum over s of W_s m_s
            levelled = m + W_s N / n_s sqrt(n_s (N - 1) / ((n_s - 1) N)) (value - m_s)

        so that the mean is m, and the variance of the mean sum over s of W_s^2 s_s^2 / n_s. Linear
        in the values; with one stratum the values themselves. Columns are levelled one by one.

        Notes
        -----
        Cochran (1977), "Sampling Techniques", sections 5.3 and 5A.9 (stratification after
        selection).

        Examples
        --------
        Two strata, one whose margins are 10 higher; the control has few of it:

        >>> strata = Strata.of(np.array([0.1, 0.1, 0.5, 0.5]), np.array([0.1, 0.1, 0.1, 0.5, 0.5]))
        >>> margins = np.array([1.0, 3, 11, 13]), np.array([1.0, 2, 3, 11, 13])
        >>> [float(each.mean().round(9)) for each in strata.levelled(*margins)]
        [7.0, 7.0]
        """
        if len(self.weights) == 1:
            return treated, control
        return self._one(treated, self.treated), self._one(control, self.control)

    def _one(self, values: FloatArray, stratum: NDArray[np.int64]) -> FloatArray:
        n, counts = len(values), np.bincount(stratum)
        means = np.array([values[stratum == each].mean(axis=0) for each in range(len(counts))])
        freedom = counts * (n - 1) / (np.maximum(counts - 1, 1) * n)
        weight = (self.weights * n / counts * np.sqrt(freedom))[stratum]
        apart = values - means[stratum]
        return np.asarray(self.weights @ means + (apart.T * weight).T)


def comparable(is_treated: NDArray[np.bool_], label: FloatArray) -> NDArray[np.bool_]:
    """Return whose stratum has at least two of both groups, shape (n_customers,).

    `label` (n_customers,) names strata as in `Strata.of`.
    """
    _, stratum = np.unique(label, return_inverse=True)
    n_treated = np.bincount(stratum, weights=is_treated)
    n_control = np.bincount(stratum, weights=~is_treated)
    return np.asarray((np.minimum(n_treated, n_control) >= FEWEST)[stratum])
