"""When a customer's margin has paid for winning them, from events and forecast."""

import numpy as np
from numpy.typing import NDArray

from features.kernel import Moment
from features.months import NEVER, shift_months, whole_months_between
from training.business import Business
from training.flows import event_flows, recurring_margin
from valuation.payback import payback_month

Values = NDArray[np.float64]


def payback_months(moment: Moment, business: Business, expected_margin: Values) -> Values:
    """Return the month since `acquired_at` that covers the acquisition cost, shape (n_customers,).

    NaN where cost or date are unknown, or beyond the horizon.
    """
    known = (moment.profiles.acquired < moment.as_of) & np.isfinite(
        moment.profiles.acquisition_cost
    )
    months = np.zeros(len(known), dtype=np.int64)
    if not known.any():
        return np.full(len(known), np.nan)
    elapsed = whole_months_between(moment.profiles.acquired[known], moment.as_of, business.month)
    months[known] = elapsed + 1
    cost = np.where(known, moment.profiles.acquisition_cost, np.nan)
    realised = _cumulative_margin(moment, business, known, int(months.max()))
    return payback_month(realised, cost, expected_margin, months)


def _cumulative_margin(
    moment: Moment, business: Business, known: NDArray[np.bool_], n_months: int
) -> Values:
    """Return margin since acquisition up to month k or as_of, shape (n_customers, n_months)."""
    acquired = np.where(known, moment.profiles.acquired, moment.as_of)
    ends = np.minimum(
        shift_months(acquired[:, None], np.arange(n_months + 1), business.month), moment.as_of
    )
    by_event = _events_by_month(moment, business, ends)
    if business.contract == "transactional":
        idle = business.cost_to_serve.get("per_month", 0.0)
        return np.cumsum(by_event, axis=1) - idle * np.arange(1, n_months + 1)
    return np.cumsum(by_event + _recurring_by_month(moment, business, ends), axis=1)


def _events_by_month(moment: Moment, business: Business, ends: NDArray[np.int64]) -> Values:
    flows = event_flows(moment.history, business)
    customer = moment.history.customer[flows.row]
    start = np.where(ends[customer, 0] == moment.as_of, NEVER, ends[customer, 0])
    month = whole_months_between(
        np.minimum(start, moment.as_of), moment.history.occurred[flows.row], business.month
    )
    n_months = ends.shape[1] - 1
    inside = (month >= 0) & (month < n_months)
    cell = customer[inside] * n_months + month[inside]
    sums = np.bincount(cell, flows.margin[inside], len(ends) * n_months)
    return sums.astype(np.float64).reshape(-1, n_months)


def _recurring_by_month(moment: Moment, business: Business, ends: NDArray[np.int64]) -> Values:
    intervals = moment.timeline.intervals
    begin = np.maximum(intervals.start, ends[intervals.customer, 0])
    finish = np.minimum(intervals.end, moment.as_of)
    monthly = recurring_margin(moment.history, moment.timeline, business)
    idle = business.cost_to_serve.get("per_month", 0.0)
    sums = np.zeros((len(ends), ends.shape[1] - 1))
    full = np.diff(shift_months(ends[:, :1], np.arange(ends.shape[1]), business.month), axis=1)
    for month in range(sums.shape[1]):
        first, last = ends[intervals.customer, month], ends[intervals.customer, month + 1]
        overlap = np.minimum(finish, last) - np.maximum(begin, first)
        share = np.maximum(overlap, 0) / full[intervals.customer, month]
        sums[:, month] = np.bincount(
            intervals.customer, share * (monthly - idle), minlength=len(ends)
        )
    return sums
