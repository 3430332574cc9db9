"""What happened after a landmark: exits, purchases and margin by month ahead.

Outcomes may use everything known to the caller's history; the caller cuts it (a backtest at its
cutoff). Month k is [edge k-1, edge k).
"""

import numpy as np
from numpy.typing import NDArray

from features.happenings import purchases
from features.history import History
from features.months import NEVER, Instants
from features.timeline import Timeline
from training.business import Business
from training.exit_kinds import KINDS
from training.flows import Flows, Money, subscription_margin


def exit_months(timeline: Timeline, edges: Instants) -> NDArray[np.int64]:
    """Return the month ahead in which each customer's spell ended, 0 where it outlasted them all.

    Shape (n_customers,). A spell already over at the first edge, known only later, ends in
    month 1.
    """
    begin, end = timeline.spell_at(int(edges[0]))
    end = np.where(begin == NEVER, edges[0], end)
    month = np.searchsorted(edges, np.maximum(end, edges[0]), side="right")
    return np.where(month < len(edges), month, 0)


def exit_kinds(
    history: History, timeline: Timeline, instant: int, *, lapsed: int
) -> NDArray[np.int64]:
    """Return the kind of end of each customer's spell under way at an instant, as far as known.

    Shape (n_customers,): its number in `KINDS` from 1, as the cancellation is labelled; 0 without
    a label or an end. `lapsed` is the kind of a term that nobody renewed: the contract calls it
    voluntary (1), and as long as it may still be renewed it is none (0).
    """
    _, end = timeline.spell_at(instant)
    intervals = timeline.intervals
    is_last = (intervals.end == end[intervals.customer]) & (intervals.end != NEVER)
    closing = np.full(timeline.n_customers, -1)
    np.maximum.at(closing, intervals.customer[is_last], intervals.closing_row[is_last])
    label = np.append(history.label, -1)[closing]
    codes = np.array([history.label_code(kind) for kind in KINDS])
    kind = (label[:, None] == codes) @ np.arange(1, len(KINDS) + 1)
    return np.where(closing >= 0, kind, np.where(end == NEVER, 0, lapsed))


def realised_subscription_margin(
    history: History, timeline: Timeline, flows: Flows, business: Business, edges: Instants
) -> Money:
    """Return margin by month of the spell under way at the first edge, (n_customers, n_months)."""
    begin, end = timeline.spell_at(int(edges[0]))
    until = np.where(begin == NEVER, edges[0], end)
    recurring = subscription_margin(history, timeline, business, edges, until)
    return recurring + flows.by_month(history, edges, until)


def realised_shop_margin(
    history: History, flows: Flows, business: Business, edges: Instants
) -> Money:
    """Return margin by month, idle cost included, shape (n_customers, n_months)."""
    until = np.full(history.n_customers, NEVER)
    return flows.by_month(history, edges, until) - business.cost_to_serve.get("per_month", 0.0)


def purchases_by_month(history: History, edges: Instants) -> NDArray[np.int64]:
    """Return how many purchases fell into each month, shape (n_customers, n_months)."""
    rows, _ = purchases(history)
    month = np.searchsorted(edges, history.occurred[rows], side="right") - 1
    n_months = len(edges) - 1
    inside = (month >= 0) & (month < n_months)
    cell = history.customer[rows[inside]] * n_months + month[inside]
    counts = np.bincount(cell, minlength=history.n_customers * n_months)
    return counts.reshape(history.n_customers, n_months)
