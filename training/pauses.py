"""Pauses ahead: who is paused may come back, who pays may pause, as far as nothing is booked."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
_PSEUDO_MONTHS = 3.0


@dataclass(frozen=True)
class Pauses:
    """Hold the monthly probabilities of a pause, and of its end, of customers who stay."""

    pausing: float = 0.0
    resuming: float = 0.0

    def charged(self, is_paused: Flags, months: Values) -> Values:
        """Return the probability of being charged `months` after a state was known.

        A Markov chain of two states; arguments are broadcast against each other.
        """
        change = self.pausing + self.resuming
        then = np.where(is_paused, 0.0, 1.0)
        if not change:
            return np.broadcast_to(then, np.broadcast_shapes(then.shape, months.shape))
        settled = self.resuming / change
        return settled + (then - settled) * max(0.0, 1 - change) ** months


def fit_pauses(is_paused: Flags, is_paused_after: Flags) -> Pauses:
    """Fit on months of customers who stayed, shape (n,) each, drawn a little towards no change.

    Parameters
    ----------
    is_paused : (n,)
        Whether a pause was booked for the end of the month, or went on without an end.
    is_paused_after : (n,)
        Whether there was a pause at the end of the month.
    """
    return Pauses(
        pausing=_rate(~is_paused, is_paused_after), resuming=_rate(is_paused, ~is_paused_after)
    )


def _rate(at_risk: Flags, changed: Flags) -> float:
    return float((at_risk & changed).sum() / (at_risk.sum() + _PSEUDO_MONTHS))
