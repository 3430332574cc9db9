"""States of the plan about time: how long it has lasted, what is due and what is booked.

Each is a function of where the plan stands, shape (n_customers,). Where no subscription is open,
the value does not count.
"""

import numpy as np
from numpy.typing import NDArray

from features.months import DAY, NEVER, Instants, shift_months, whole_months_between
from features.plan_standing import PlanStanding

Values = NDArray[np.float64]


def open_subscriptions(plan: PlanStanding) -> Values:
    """Return how many subscriptions are open."""
    return plan.n_open.astype(np.float64)


def contractions_365d(plan: PlanStanding) -> Values:
    """Return how often the number of open subscriptions fell, and stayed above 0.

    Counted are instants from as_of - 365 days to as_of, both included.
    """
    timeline = plan.timeline
    fell = (timeline.n_open[1:] < timeline.n_open[:-1]) & (timeline.n_open[1:] > 0)
    fell &= timeline.customer[1:] == timeline.customer[:-1]
    at = timeline.at[1:]
    fell &= (at >= plan.as_of - 365 * DAY) & (at <= plan.as_of)
    counts = np.bincount(timeline.customer[1:][fell], minlength=timeline.n_customers)
    return counts.astype(np.float64)


def tenure_months(plan: PlanStanding) -> Values:
    """Return whole months since the relationship began.

    It began when the spell did; see `features.plan_standing.relationship_starts` for a first
    spell that was not recorded from its beginning.
    """
    return plan.months_since[0].astype(np.float64)


def months_on_plan(plan: PlanStanding) -> Values:
    """Return whole months since the main plan or its price changed; a renewal is no change."""
    return plan.months_since[1].astype(np.float64)


def term_months(plan: PlanStanding) -> Values:
    """Return the main plan's term in months; 0 means from month to month."""
    return plan.of_main(plan.timeline.intervals.term_months, 0).astype(np.float64)


def months_to_renewal(plan: PlanStanding) -> Values:
    """Return in which month ahead the main plan's term ends: 1 is the coming month.

    Terms roll over. A term that ends at as_of ends in month 1: what happens then is not known
    yet. NaN from month to month.
    """
    intervals = plan.timeline.intervals
    term = plan.of_main(intervals.term_months, 0)
    due = np.full(len(term), NEVER)
    has_term = np.flatnonzero(term)
    if len(has_term):
        start = intervals.start[plan.main_interval[has_term]]
        due[has_term] = _term_end(plan, start, term[has_term], plan.months_since[2][has_term])
    return _months_ahead(plan, due)


def months_to_booked_end(plan: PlanStanding) -> Values:
    """Return in which month ahead the last subscription ends; NaN if no end is known.

    Known are cancellations that were given, and where terms lapse the end of a term that nobody
    has renewed yet.
    """
    return _months_ahead(plan, plan.booked_end)


def days_since_notice(plan: PlanStanding) -> Values:
    """Return the days since the earliest standing notice was given; NaN where none stands.

    A notice stands where it is the cancellation that closes an interval which ends after as_of,
    be that interval open or booked, and nothing goes on from there; it was given when it occurred.
    """
    intervals = plan.timeline.intervals
    asked = np.full(plan.history.n_customers, NEVER)
    standing = np.flatnonzero((intervals.closing_row >= 0) & (intervals.end > plan.as_of))
    given = plan.history.occurred[intervals.closing_row[standing]]
    np.minimum.at(asked, intervals.customer[standing], given)
    return np.where(asked == NEVER, np.nan, (plan.as_of - asked) / DAY)


def months_to_discount_end(plan: PlanStanding) -> Values:
    """Return in which month ahead the main plan's discount ends as booked; NaN if it does not.

    It ends where the first later interval of the same subscription begins that has a list price
    and charges no less: a pause does not end it.
    """
    intervals = plan.timeline.intervals
    is_full = (intervals.mrr >= intervals.list_mrr) & (intervals.list_mrr > 0)
    is_discounted = intervals.mrr < intervals.list_mrr
    ends = np.full(len(plan.is_open), NEVER)
    main = plan.main_interval
    found = np.flatnonzero((main >= 0) & is_discounted[main]) if len(is_full) else main[:0]
    if len(found):
        full = np.append(np.flatnonzero(is_full), len(is_full) - 1)
        now = main[found]
        then = full[np.searchsorted(full[:-1], now)]
        same = (then > now) & (intervals.customer[then] == intervals.customer[now])
        same &= intervals.subscription[then] == intervals.subscription[now]
        same &= is_full[then]
        ends[found[same]] = intervals.start[then[same]]
    return _months_ahead(plan, ends)


def _term_end(
    plan: PlanStanding, start: Instants, term: NDArray[np.int64], lasted: NDArray[np.int64]
) -> Instants:
    """Return the first end of a rolling term that is not before as_of."""
    over = lasted // term
    months = np.stack([over, over + 1]) * term
    latest, following = shift_months(start, months, plan.rules.month)
    return np.where((latest == plan.as_of) & (over > 0), latest, following)


def _months_ahead(plan: PlanStanding, instant: Instants) -> Values:
    """Return in which month after as_of an instant lies, NaN for NEVER."""
    months = np.full(len(instant), np.nan)
    known = instant != NEVER
    if known.any():
        ahead = whole_months_between(plan.as_of, instant[known], plan.rules.month)
        months[known] = 1 + ahead
    return months
