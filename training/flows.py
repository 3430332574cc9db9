"""Realised contribution margin by month: what customers brought and cost, as events say."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.contract import KIND_CODES
from features.history import History
from features.months import Instants
from features.timeline import Timeline
from training.business import Business

Money = NDArray[np.float64]


@dataclass(frozen=True)
class Flows:
    """Hold signed money by event: rows of the history, and the margin each brings (major units)."""

    row: NDArray[np.int64]
    margin: Money

    def by_month(self, history: History, edges: Instants, until: Instants) -> Money:
        """Return margin between edges, shape (n_customers, n_edges - 1).

        What happens at or after a customer's `until` (n_customers,) is left out.
        """
        at = history.occurred[self.row]
        customer = history.customer[self.row]
        month = np.searchsorted(edges, at, side="right") - 1
        inside = (month >= 0) & (month < len(edges) - 1) & (at < until[customer])
        cell = customer[inside] * (len(edges) - 1) + month[inside]
        size = history.n_customers * (len(edges) - 1)
        sums = np.bincount(cell, self.margin[inside], size).astype(np.float64)
        return sums.reshape(history.n_customers, len(edges) - 1)


def event_flows(history: History, business: Business) -> Flows:
    """Return the margin of every event that has one: payments, refunds, costs, cost to serve."""
    revenue, cost = revenue_flows(history, business), cost_flows(history, business)
    return _together([revenue, cost])


def revenue_flows(history: History, business: Business) -> Flows:
    """Return the gross margin of payments less that of refunds, as far as they are revenue."""
    paid, refunded = history.of_kind("payment"), history.of_kind("refund")
    if business.revenue == "mrr":
        extra = [history.label_code(label) for label in business.extra_revenue]
        paid = paid[np.isin(history.label[paid], extra)]
        refunded = refunded[np.isin(history.label[refunded], extra)]
    brought = _valued(history, business, paid, 1.0)
    return _together([brought, _valued(history, business, refunded, -1.0)])


def cost_flows(history: History, business: Business) -> Flows:
    """Return costs caused and costs to serve by event, as negative margin."""
    caused = history.of_kind("cost")
    flows = [Flows(caused, -history.value[caused] / history.minor_units)]
    for key, cost in business.cost_to_serve.items():
        if key != "per_month":
            rows = _rows_served(history, key, business.cost_to_serve)
            flows.append(Flows(rows, np.full(len(rows), -cost)))
    return _together(flows)


def subscription_margin(
    history: History, timeline: Timeline, business: Business, edges: Instants, until: Instants
) -> Money:
    """Return margin from MRR less the monthly cost to serve, shape (n_customers, n_edges - 1).

    Counts time up to each customer's `until`; zero where revenue is `"payments"`, costs apart.
    """
    idle_cost = business.cost_to_serve.get("per_month", 0.0)
    monthly = recurring_margin(history, timeline, business)
    return timeline.accrued(edges, monthly, until) - idle_cost * timeline.open_share(edges, until)


def recurring_margin(history: History, timeline: Timeline, business: Business) -> Money:
    """Return the gross margin of each interval's MRR a month, zero where payments are revenue."""
    if business.revenue != "mrr":
        return np.zeros(len(timeline.intervals.row))
    share = _margin_shares(history, business, timeline.intervals.label)
    return timeline.intervals.mrr / history.minor_units * share


def _together(parts: list[Flows]) -> Flows:
    rows = np.concatenate([part.row for part in parts])
    margins = np.concatenate([part.margin for part in parts])
    order = np.argsort(rows, kind="stable")
    return Flows(rows[order], margins[order])


def _valued(history: History, business: Business, rows: NDArray[np.int64], sign: float) -> Flows:
    share = _margin_shares(history, business, history.label[rows])
    return Flows(rows, sign * share * history.value[rows] / history.minor_units)


def _margin_shares(history: History, business: Business, label: NDArray[np.int32]) -> Money:
    codes, member = np.unique(label, return_inverse=True)
    labels = [history.labels[code] if code >= 0 else None for code in codes]
    return np.array(business.margin_of(labels), dtype=np.float64)[member]


def _rows_served(history: History, key: str, costs: dict[str, float]) -> NDArray[np.int64]:
    """Return the events a cost applies to; `kind:label` takes its events out of `kind`."""
    kind, _, label = key.partition(":")
    rows = np.flatnonzero(history.kind == KIND_CODES[kind])
    if label:
        return rows[history.label[rows] == history.label_code(label)]
    of_their_own = [
        history.label_code(other.partition(":")[2])
        for other in costs
        if other.startswith(f"{kind}:")
    ]
    return rows[~np.isin(history.label[rows], of_their_own)]
