"""What came after a cutoff, to hold predictions against."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.blocks import Block
from features.months import month_edges
from features.timeline import timeline_of
from training.business import Business
from training.flows import event_flows
from training.outcomes import (
    exit_months,
    purchases_by_month,
    realised_shop_margin,
    realised_subscription_margin,
)

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Actual:
    """Hold what came after a cutoff, for all customers of a block.

    `event_month` (n,) is the month of leaving, for a shop that of the first purchase;
    0 means none came. `margin` (n, n_months) is undiscounted.
    """

    event_month: NDArray[np.int64]
    margin: Values

    def churned(self, months: int, business: Business) -> NDArray[np.bool_]:
        """Return who left in months 1..`months`; in a shop, who bought nothing."""
        happened = (self.event_month > 0) & (self.event_month <= months)
        return ~happened if business.contract == "transactional" else happened


def actual_after(block: Block, cutoff: int, n_months: int, business: Business) -> Actual:
    """Return what the block's events tell of the months after a cutoff."""
    history = block.history
    edges = month_edges(cutoff, n_months, business.month)
    flows = event_flows(history, business)
    if business.contract == "transactional":
        bought = purchases_by_month(history, edges) > 0
        first = np.where(bought.any(axis=1), bought.argmax(axis=1) + 1, 0)
        return Actual(first, realised_shop_margin(history, flows, business, edges))
    timeline = timeline_of(history, business)
    margin = realised_subscription_margin(history, timeline, flows, business, edges)
    return Actual(exit_months(timeline, edges), margin)
