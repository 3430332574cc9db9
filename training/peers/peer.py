"""What a peer is: a model of others that answers what a backtest asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from features.kernel import Moment
from training.business import Business

Values = NDArray[np.float64]
Answers = Mapping[int, "PeerAnswer"]
"""Answers by months ahead."""


@dataclass(frozen=True)
class PeerAnswer:
    """Hold P(gone) within months 1..h, and mean and median of their undiscounted margin.

    Shape (n_customers,) each, money in major units; anything for those who are no customers.
    """

    churn: Values
    mean: Values
    median: Values


class Peer(Protocol):
    """A fitted model; it sees a moment and nothing else."""

    def answers(self, moment: Moment, business: Business, months: Sequence[int]) -> Answers:
        """Return an answer for each number of months ahead."""
        ...
