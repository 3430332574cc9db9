"""From expected sales to expected margin: margin share, refunds, costs caused, idle cost."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.blocks import Block
from features.happenings import purchases
from features.history import History
from features.months import NEVER, Instants, shift_months
from training.business import Business
from training.credibility import WINDOW_MONTHS, Credibility, fit_credibility
from training.flows import cost_flows, revenue_flows
from training.forecast import Curves


@dataclass(frozen=True)
class ShopMargin:
    """Hold the margin a unit of sales leaves after refunds, and other costs by credibility."""

    margin_share: float
    idle_cost: float
    costs: Credibility

    def of_sales(
        self, sales: Curves, cost_total: NDArray[np.float64], exposure: NDArray[np.float64]
    ) -> Curves:
        """Return expected margin by month, shape (n_buyers, n_months), from expected sales.

        `cost_total` and `exposure` (n_buyers,) are the signed cost flows and the months seen.
        """
        costs = self.costs.expected(cost_total, exposure)
        return self.margin_share * sales + (costs - self.idle_cost)[:, None]


@dataclass(frozen=True)
class RecentCosts:
    """Hold cost flows and months of exposure in the year before, (n_customers, 12) each."""

    flows: NDArray[np.float64]
    exposure: NDArray[np.float64]


def recent_costs(history: History, as_of: int, business: Business) -> RecentCosts:
    """Return what customers cost, by month of the last twelve, since their first event."""
    edges: Instants = shift_months(as_of, np.arange(-WINDOW_MONTHS, 1), business.month)
    until = np.full(history.n_customers, NEVER)
    flows = cost_flows(history, business).by_month(history, edges, until)
    began = np.full(history.n_customers, as_of)
    has_events = np.diff(history.offsets) > 0
    began[has_events] = history.occurred[history.offsets[:-1][has_events]]
    covered = edges[1:] - np.maximum(edges[:-1], began[:, None])
    return RecentCosts(flows, np.clip(covered / np.diff(edges), 0.0, 1.0))


@dataclass(frozen=True)
class Sales:
    """Hold what purchases brought in all: money taken and the margin on it."""

    taken: float
    margin: float


def recent_sales(block: Block, business: Business) -> Sales:
    """Return sales and the margin they left, refunds included, over the whole history."""
    _, values = purchases(block.history)
    margin = revenue_flows(block.history, business).margin.sum()
    return Sales(float(values.sum()) / block.history.minor_units, float(margin))


def fit_shop_margin(
    sales: Sequence[Sales], costs: Sequence[RecentCosts], business: Business
) -> ShopMargin:
    """Fit margin share and cost credibility on all blocks."""
    taken = sum(part.taken for part in sales)
    margin = sum(part.margin for part in sales)
    credibility = fit_credibility(
        np.concatenate([part.flows for part in costs]),
        np.concatenate([part.exposure for part in costs]),
    )
    idle_cost = business.cost_to_serve.get("per_month", 0.0)
    return ShopMargin(margin / taken if taken > 0 else 0.0, idle_cost, credibility)
