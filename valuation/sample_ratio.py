"""Sample ratio mismatch: whether groups have the sizes that their shares promised."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

MISMATCH_BELOW = 0.001
"""Below it assignment is broken; at 0.05 one sound campaign in twenty would be accused."""


@dataclass(frozen=True)
class SampleRatio:
    """Hold counted and promised sizes of groups, and how likely chance alone parts them so far."""

    counted: tuple[int, ...]
    promised: tuple[float, ...]
    p_value: float

    @property
    def is_mismatch(self) -> bool:
        """Whether chance does not explain it: no effect of that campaign can be trusted."""
        return self.p_value < MISMATCH_BELOW


def sample_ratio(counted: Sequence[int], shares: Sequence[float]) -> SampleRatio:
    """Return Pearson's test of group sizes against shares.

    With c counted and e = n share promised::

        X^2 = sum of (c - e)^2 / e,   p = P(chi-square with groups - 1 degrees of freedom > X^2)

    Parameters
    ----------
    counted : (n_groups,)
        Customers a group, at least two groups.
    shares : (n_groups,)
        Each in (0, 1), adding up to 1.

    Raises
    ------
    ValueError
        If the lengths differ, nobody was counted, or shares are none.

    Notes
    -----
    Fabijan et al. (2019), "Diagnosing sample ratio mismatch in online controlled experiments".

    Examples
    --------
    >>> sample_ratio([821_588, 815_482], [0.5, 0.5]).is_mismatch
    True
    """
    promised = np.asarray(shares, dtype=np.float64)
    found = np.asarray(counted, dtype=np.int64)
    if len(found) != len(promised) or len(found) < 2 or found.sum() < 1:
        raise ValueError(f"counted is {list(counted)} for {len(promised)} shares; count each.")
    if not (promised > 0).all() or abs(promised.sum() - 1) > 1e-9:
        raise ValueError(f"shares are {list(shares)}; give shares above 0 that add up to 1.")
    expected = found.sum() * promised
    statistic = float(np.sum(np.square(found - expected) / expected))
    p_value = float(chdtrc(len(found) - 1, statistic))
    return SampleRatio(tuple(found.tolist()), tuple(expected.tolist()), p_value)
