"""The margin of MRR ahead as the timeline has it booked, pauses as they may begin and end."""

import numpy as np
from numpy.typing import NDArray

from features.kernel import Moment
from features.months import DAY, Instants, month_edges
from features.timeline import Intervals
from training.business import Business
from training.flows import recurring_margin
from training.pauses import Pauses

_MONTH = 365.2425 / 12 * DAY


def booked_margin(
    moment: Moment,
    business: Business,
    n_months: int,
    pauses: Pauses = Pauses(),  # noqa: B008 -- frozen value
) -> NDArray[np.float64]:
    """Return the margin of MRR as booked at mid-month, shape (n_customers, n_months).

    Whoever is paused without a booked end is expected back, and whoever pays to pause, as
    `pauses` says; by default neither happens. From where the booked timeline has ended, the last
    margin goes on: it is margin if active.
    """
    edges = month_edges(moment.as_of, n_months, business.month)
    middles = [moment.as_of, *((edges[1:] + edges[:-1]) // 2)]
    monthly = _expected_by_stretch(moment, business, np.array(middles), pauses)
    is_open, margin = moment.timeline.sums_at(monthly, np.array(middles))
    latest = np.maximum.accumulate(np.where(is_open, np.arange(len(middles)), 0), axis=1)
    # Whoever was not open at the first instant has brought nothing by then: its sum is 0.
    held: NDArray[np.float64] = np.take_along_axis(margin, latest, axis=1)[:, 1:]
    return held


def _expected_by_stretch(
    moment: Moment, business: Business, instants: Instants, pauses: Pauses
) -> NDArray[np.float64]:
    """Return the expected margin a month of each stretch, shape (n_instants, n_intervals)."""
    intervals = moment.timeline.intervals
    monthly = recurring_margin(moment.history, moment.timeline, business)
    unpaused = intervals.unpaused
    is_paused = unpaused != np.arange(len(unpaused))
    if not is_paused.any() and not pauses.pausing:
        return np.broadcast_to(monthly, (len(instants), len(monthly)))
    known_from = np.maximum(intervals.start, moment.as_of)
    months = np.maximum(instants[:, None] - known_from, 0) / _MONTH
    charged = pauses.charged(is_paused, months)
    return charged * np.where(is_paused & _goes_on(intervals), 0.0, monthly[unpaused])


def _goes_on(intervals: Intervals) -> NDArray[np.bool_]:
    """Mark the stretches whose subscription goes on where they end, as is known already."""
    goes_on = np.zeros(len(intervals.start), dtype=bool)
    goes_on[:-1] = intervals.start[1:] == intervals.end[:-1]
    for same in (intervals.customer, intervals.subscription):
        goes_on[:-1] &= same[1:] == same[:-1]
    return goes_on
