"""When a customer's margin has paid for winning them, from events and forecast."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.kernel import Moment
from features.months import Instants, shift_months, whole_months_between
from training.business import Business
from training.flows import event_flows, recurring_margin
from valuation.payback import payback_month

Values = NDArray[np.float64]


def payback_months(
    moment: Moment, business: Business, expected_margin: Values, observed_from: int
) -> Values:
    """Return the month since `acquired_at` that covers the acquisition cost, shape (n_customers,).

    NaN where cost or date are unknown, beyond the horizon, or where the customer was acquired
    before `observed_from`, so that part of the margin is not known.
    """
    acquired = moment.profiles.acquired
    known = (observed_from <= acquired) & (acquired < moment.as_of)
    known &= np.isfinite(moment.profiles.acquisition_cost)
    months = np.zeros(len(known), dtype=np.int64)
    if not known.any():
        return np.full(len(known), np.nan)
    elapsed = whole_months_between(moment.profiles.acquired[known], moment.as_of, business.month)
    months[known] = elapsed + 1
    cost = np.where(known, moment.profiles.acquisition_cost, np.nan)
    realised = _cumulative_margin(moment, business, known, int(months.max()))
    return payback_month(realised, cost, expected_margin, months)


@dataclass(frozen=True)
class _MonthsSince:
    """Hold each customer's months since acquisition, cut short at as_of.

    `edges` (n_customers, n_months + 1) are instants, `full` (n_customers, n_months) is how long
    the uncut month lasts.
    """

    edges: Instants
    full: Instants

    def accrued(
        self, customer: NDArray[np.int64], start: Instants, end: Instants, monthly: Values
    ) -> Values:
        """Return what stretches of time bring at so much a month, (n_customers, n_months)."""
        n_customers, n_months = self.full.shape
        sums = np.zeros((n_customers, n_months))
        for month in range(n_months):
            first, last = self.edges[customer, month], self.edges[customer, month + 1]
            overlap = np.minimum(end, last) - np.maximum(start, first)
            share = np.maximum(overlap, 0) / self.full[customer, month]
            sums[:, month] = np.bincount(customer, share * monthly, n_customers)
        return sums


def _cumulative_margin(
    moment: Moment, business: Business, known: NDArray[np.bool_], n_months: int
) -> Values:
    """Return margin since acquisition up to month k or as_of, shape (n_customers, n_months)."""
    acquired = np.where(known, moment.profiles.acquired, moment.as_of)
    uncut = shift_months(acquired[:, None], np.arange(n_months + 1), business.month)
    months = _MonthsSince(np.minimum(uncut, moment.as_of), np.diff(uncut, axis=1))
    by_event = _events_by_month(moment, business, months.edges)
    by_time = _brought_by_time(moment, business, months) - _cost_of_time(moment, business, months)
    return np.cumsum(by_event + by_time, axis=1)


def _events_by_month(moment: Moment, business: Business, edges: Instants) -> Values:
    flows = event_flows(moment.history, business)
    customer = moment.history.customer[flows.row]
    month = whole_months_between(
        edges[customer, 0], moment.history.occurred[flows.row], business.month
    )
    n_months = edges.shape[1] - 1
    inside = (month >= 0) & (month < n_months)
    cell = customer[inside] * n_months + month[inside]
    sums = np.bincount(cell, flows.margin[inside], len(edges) * n_months)
    return sums.astype(np.float64).reshape(-1, n_months)


def _brought_by_time(moment: Moment, business: Business, months: _MonthsSince) -> Values:
    intervals = moment.timeline.intervals
    monthly = recurring_margin(moment.history, moment.timeline, business)
    return months.accrued(intervals.customer, intervals.start, intervals.end, monthly)


def _cost_of_time(moment: Moment, business: Business, months: _MonthsSince) -> Values:
    """Return the monthly cost to serve, once a customer however many subscriptions are open."""
    idle = business.cost_to_serve.get("per_month", 0.0)
    if business.contract == "transactional":
        return idle * np.diff(months.edges, axis=1) / months.full
    customer, start, end = moment.timeline.spells
    return months.accrued(customer, start, end, np.full(len(customer), idle))
