"""What scores add up to over a portfolio, or over a part of one: sums of parts add up."""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from training.bundle import Bundle
from training.score_table import ACTIVE
from training.support import OUTSIDE
from valuation.equity import customer_equity
from valuation.lifetime_value import clv_beyond

SUMMED = ("status", "clv", "clv_sd", "expected_margin", "warnings")
"""Columns of `scores` that sums are made of; others need not be read."""


@dataclass(frozen=True)
class ScoreSums:
    """Hold counts of customers and sums of CLV in major units; `loss` is of `loss_makers` alone.

    `equity_beyond_longest_month` lies beyond the longest month ahead that training saw.
    `outside_training` of the customers have a warning that training saw nobody like them.
    `variance` is that of the customers' realised values, added up; NaN without intervals.
    """

    customers: int = 0
    lost: int = 0
    loss_makers: int = 0
    outside_training: int = 0
    customer_equity: float = 0.0
    loss: float = 0.0
    equity_beyond_longest_month: float = 0.0
    variance: float = 0.0

    @property
    def mean_clv(self) -> float:
        """CLV of a customer who is there, 0 where nobody is."""
        return self.customer_equity / self.customers if self.customers else 0.0


def sums_of(scores: pa.Table, bundle: Bundle) -> ScoreSums:
    """Add up the contract's `scores`, of which the columns SUMMED are enough."""
    status = np.array(scores.column("status").to_pylist(), dtype=object)
    there = status == ACTIVE
    value = scores.column("clv").to_numpy()[there]
    return ScoreSums(
        customers=int(there.sum()),
        lost=int((~there).sum()),
        loss_makers=int((value < 0).sum()),
        outside_training=_outside(scores.column("warnings")),
        customer_equity=customer_equity(value),
        loss=customer_equity(value[value < 0]),
        equity_beyond_longest_month=_beyond(scores, bundle),
        variance=float(np.square(scores.column("clv_sd").to_numpy()[there]).sum()),
    )


def equity_interval(sums: ScoreSums, bundle: Bundle) -> tuple[float, float] | None:
    """Return the 80% interval of customer equity, None where it cannot be relied on.

    It cannot where history was too short to calibrate any, or where the errors of the total at
    earlier cutoffs disagree too much.
    """
    intervals, horizon = bundle.intervals, bundle.business.horizon_months
    if intervals is None or not intervals.are_reliable:
        return None
    return intervals.of_total(sums.customer_equity, sums.variance, horizon)


def added(parts: Sequence[ScoreSums]) -> ScoreSums:
    """Return the sums over all parts together."""
    counts = [sum(column) for column in zip(*(astuple(part)[:4] for part in parts), strict=True)]
    money = [
        math.fsum(column) for column in zip(*(astuple(part)[4:] for part in parts), strict=True)
    ]
    return ScoreSums(*counts, *money)


def _outside(warnings: pa.ChunkedArray) -> int:
    each = (own or () for own in warnings.to_pylist())
    return sum(any(said.startswith(OUTSIDE) for said in own) for own in each)


def _beyond(scores: pa.Table, bundle: Bundle) -> float:
    margins: NDArray[np.float64] = np.stack(scores.column("expected_margin").to_numpy())
    last = min(bundle.longest_month, margins.shape[1])
    return float(clv_beyond(margins, bundle.business.annual_discount_rate, last).sum())
