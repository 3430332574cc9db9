"""Subscriptions over time: what was open, at which price, as plan events and cancellations say.

A timeline is built from whatever events it is given, booked ones included: from the visible ones
it is what was believed at `as_of`, from all of them it is what really happened.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.contract import KIND_CODES
from features.history import MISSING, History
from features.months import DAY, NEVER, Instants, shift_months
from features.plan_events import rows_in_effect, subscriptions_of
from features.rules import CustomerRules

_CANCEL = KIND_CODES["cancel"]
_SUBSCRIBE = KIND_CODES["subscribe"]


@dataclass(frozen=True)
class Intervals:
    """Hold stretches of one subscription at one price, each [start, end); one entry a stretch.

    `customer` indexes the history's customers and rises; `row` is the history's row that opened
    the stretch; `mrr` and `list_mrr` are minor units a month; `end` is NEVER where none is known;
    `closing_row` is the row of the cancellation that ends it, else -1: none ends what goes on at
    the same instant. `label` is the code of the plan, -1 where none was named since the
    subscription began; `beginning` counts how often it had begun.
    """

    customer: NDArray[np.int64]
    subscription: NDArray[np.int32]
    start: Instants
    end: Instants
    row: NDArray[np.int64]
    label: NDArray[np.int32]
    beginning: NDArray[np.int64]
    closing_row: NDArray[np.int64]
    mrr: NDArray[np.int64]
    list_mrr: NDArray[np.int64]
    term_months: NDArray[np.int32]

    @cached_property
    def begins(self) -> NDArray[np.bool_]:
        """Whether a subscription begins with each, or begins anew."""
        begins = np.ones(len(self.row), dtype=bool)
        begins[1:] = self.beginning[1:] != self.beginning[:-1]
        begins[1:] |= self.customer[1:] != self.customer[:-1]
        begins[1:] |= self.subscription[1:] != self.subscription[:-1]
        return begins

    @cached_property
    def unpaused(self) -> NDArray[np.int64]:
        """Each itself, or for a pause the one before it.

        A stretch at no list price is a pause where its plan is that of the latest stretch at a
        price since the subscription began.
        """
        index = np.arange(len(self.row))
        is_free = self.list_mrr == 0
        if not is_free.any():
            return index
        beginning = np.maximum.accumulate(np.where(self.begins, index, 0))
        priced = np.maximum.accumulate(np.where(is_free, -1, index))
        is_pause = is_free & (priced >= beginning) & (self.label == self.label[priced])
        return np.maximum.accumulate(np.where(is_pause, -1, index))

    @cached_property
    def usual_list_mrr(self) -> NDArray[np.int64]:
        """List price of each, for a pause of the one before it, in minor units a month."""
        return self.list_mrr[self.unpaused]


@dataclass(frozen=True)
class Timeline:
    """Hold step functions of time for each customer: open subscriptions and MRR.

    Steps are sorted by customer and time; `n_open`, `mrr` and `list_mrr` hold from `at` on.
    """

    n_customers: int
    intervals: Intervals
    customer: NDArray[np.int64]
    at: Instants
    n_open: NDArray[np.int64]
    mrr: NDArray[np.int64]
    list_mrr: NDArray[np.int64]
    rejoin_grace: int

    def position(self, instant: int) -> NDArray[np.int64]:
        """Return the step in force at an instant for each customer, -1 before the first."""
        begun = np.bincount(self.customer[self.at <= instant], minlength=self.n_customers)
        return np.where(begun > 0, self._first_step + begun - 1, -1)

    def values_of(self, steps: NDArray[np.int64], position: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what steps hold at positions as `position` gives them; 0 before the first."""
        if not len(steps):
            return np.zeros(self.n_customers, dtype=np.int64)
        return np.where(position >= 0, steps[position], 0)

    def open_at(self, instant: int) -> NDArray[np.int64]:
        """Return the number of open subscriptions at an instant, shape (n_customers,)."""
        return self._value_at(self.n_open, instant)

    def mrr_at(self, instant: int) -> NDArray[np.int64]:
        """Return the MRR at an instant in minor units, shape (n_customers,)."""
        return self._value_at(self.mrr, instant)

    def sum_at(self, monthly: NDArray[np.float64], instant: int) -> NDArray[np.float64]:
        """Return an interval's property added up over those open then, (n_customers,)."""
        intervals = self.intervals
        is_open = (intervals.start <= instant) & (instant < intervals.end)
        customer = intervals.customer[is_open]
        return np.bincount(customer, monthly[is_open], self.n_customers).astype(np.float64)

    def sums_at(
        self, monthly: NDArray[np.float64], instants: Instants
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Return whether any interval is open then, and the sum over them of a property.

        `monthly` has shape (n_instants, n_intervals), the answers (n_customers, n_instants).
        """
        intervals, shape = self.intervals, (self.n_customers, len(instants))
        is_open = intervals.start[:, None] <= instants
        is_open &= instants < intervals.end[:, None]
        interval, instant = np.nonzero(is_open)
        place = intervals.customer[interval] * len(instants) + instant
        count = np.bincount(place, minlength=self.n_customers * len(instants))
        total = np.bincount(place, monthly[instant, interval], self.n_customers * len(instants))
        return count.reshape(shape) > 0, total.reshape(shape).astype(np.float64)

    def accrued(
        self, edges: Instants, monthly: NDArray[np.float64], until: Instants
    ) -> NDArray[np.float64]:
        """Return what accrues by time between edges, shape (n_customers, len(edges) - 1).

        Parameters
        ----------
        edges : (n_months + 1,)
            Instants between which to add up.
        monthly : (n_intervals,)
            What an interval brings a month, for example its MRR.
        until : (n_customers,)
            Instant from which on a customer accrues nothing more.
        """
        intervals = self.intervals
        over = np.minimum(intervals.end, until[intervals.customer])
        shares = _shares_of_months(intervals.start, over, edges)
        return _summed_by(intervals.customer, shares * monthly, self.n_customers)

    def open_share(self, edges: Instants, until: Instants) -> NDArray[np.float64]:
        """Return the share of time in a spell before `until`, shape (n_customers, n_edges - 1)."""
        customer, start, end = self.spells
        over = np.minimum(end, until[customer])
        return _summed_by(customer, _shares_of_months(start, over, edges), self.n_customers)

    @cached_property
    def spells(self) -> tuple[NDArray[np.int64], Instants, Instants]:
        """Customers' spells as (customer, start, end), gaps up to the rejoin grace joined.

        Sorted by customer and start; end is NEVER where the spell goes on.
        """
        is_open = self.n_open > 0
        was_open = np.zeros(len(is_open), dtype=bool)
        was_open[1:] = is_open[:-1] & (self.customer[1:] == self.customer[:-1])
        begins, ends = is_open & ~was_open, ~is_open & was_open
        customer, start = self.customer[begins], self.at[begins]
        spell = np.cumsum(begins) - 1
        end = np.full(len(start), NEVER)
        end[spell[ends]] = self.at[ends]
        return _joined(customer, start, end, self.rejoin_grace)

    def spell_at(self, instant: int) -> tuple[Instants, Instants]:
        """Return start and end of each customer's latest spell begun by an instant.

        Shape (n_customers,) each; start is NEVER where there was none.
        """
        customer, start, end = self.spells
        latest = np.flatnonzero(start <= instant)
        begin, finish = np.full(self.n_customers, NEVER), np.full(self.n_customers, NEVER)
        begin[customer[latest]], finish[customer[latest]] = start[latest], end[latest]
        return begin, finish

    @cached_property
    def _first_step(self) -> NDArray[np.int64]:
        return np.searchsorted(self.customer, np.arange(self.n_customers))

    def _value_at(self, values: NDArray[np.int64], instant: int) -> NDArray[np.int64]:
        return self.values_of(values, self.position(instant))


def _shares_of_months(start: Instants, end: Instants, edges: Instants) -> NDArray[np.float64]:
    """Return the share of each month that each stretch covers, shape (n_months, n_stretches)."""
    begin, finish = edges[:-1, None], edges[1:, None]
    overlap = np.minimum(end, finish) - np.maximum(start, begin)
    return np.maximum(overlap, 0) / (finish - begin)


def _summed_by(
    customer: NDArray[np.int64], values: NDArray[np.float64], n_customers: int
) -> NDArray[np.float64]:
    return np.column_stack([np.bincount(customer, row, n_customers) for row in values])


def timeline_of(history: History, rules: CustomerRules) -> Timeline:
    """Build the timeline that the events of a history imply.

    A cancellation withdrawn before it took effect never was; a change booked before the
    cancellation it follows is void, and so is a subscription booked before a cancellation that
    finds none begun; with `term_end = "lapses"` a term that nobody renewed ends. An event that
    names no subscription is of the one named last before it; see `features.plan_events`. One
    that names no plan stays with the plan before it.
    """
    intervals = _intervals(history, rules)
    customer = np.concatenate([intervals.customer, intervals.customer])
    at = np.concatenate([intervals.start, intervals.end])
    order = np.lexsort((at, customer))
    opened = np.stack([np.ones_like(intervals.mrr), intervals.mrr, intervals.list_mrr])
    # All that opens closes, if only at NEVER: running totals begin anew with each customer.
    levels = np.cumsum(np.concatenate([opened, -opened], axis=1)[:, order], axis=1)
    customer, at = customer[order], at[order]
    is_step = at != NEVER
    is_step[:-1] &= (customer[1:] != customer[:-1]) | (at[1:] != at[:-1])
    levels = levels[:, is_step]
    return Timeline(
        n_customers=history.n_customers,
        intervals=intervals,
        customer=customer[is_step],
        at=at[is_step],
        n_open=levels[0],
        mrr=levels[1],
        list_mrr=levels[2],
        rejoin_grace=rules.rejoin_grace_days * DAY,
    )


def _intervals(history: History, rules: CustomerRules) -> Intervals:
    of_events = subscriptions_of(history)
    rows = rows_in_effect(history, of_events)
    customer, subscription = history.customer[rows], of_events[rows]
    start, is_cancel = history.effective[rows], history.kind[rows] == _CANCEL
    goes_on = (customer[1:] == customer[:-1]) & (subscription[1:] == subscription[:-1])
    following = np.full(len(rows), NEVER)
    following[:-1][goes_on] = start[1:][goes_on]
    end = _lapsed(following, start, history.term_months[rows], rules)
    is_closed = goes_on & is_cancel[1:] & (end[:-1] == start[1:])
    closing = np.full(len(rows), -1)
    closing[:-1][is_closed] = rows[1:][is_closed]
    beginning = np.cumsum(history.kind[rows] == _SUBSCRIBE)
    goes_on &= beginning[1:] == beginning[:-1]
    label = _carried(np.where(is_cancel, -1, history.label[rows]), goes_on)
    kept = ~is_cancel & (end > start)
    rows, customer, subscription = rows[kept], customer[kept], subscription[kept]
    start, end, closing = start[kept], end[kept], closing[kept]
    goes_on = (customer[1:] == customer[:-1]) & (subscription[1:] == subscription[:-1])
    closing[:-1][goes_on & (start[1:] == end[:-1])] = -1
    mrr, listed = np.maximum(history.value[rows], 0), history.list_value[rows]
    return Intervals(
        customer=customer,
        subscription=subscription,
        start=start,
        end=end,
        row=rows,
        label=label[kept],
        beginning=beginning[kept],
        closing_row=closing,
        mrr=mrr,
        list_mrr=np.where(listed == MISSING, mrr, listed),
        term_months=history.term_months[rows],
    )


def _carried(label: NDArray[np.int32], goes_on: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return labels with each missing one taken from before, as far as it goes on from there."""
    is_known = label >= 0
    is_known[:1] = True
    is_known[1:] |= ~goes_on
    return label[np.maximum.accumulate(np.where(is_known, np.arange(len(label)), 0))]


def _lapsed(
    following: Instants, start: Instants, term: NDArray[np.int32], rules: CustomerRules
) -> Instants:
    if rules.term_end == "rolls":
        return following
    term_end = np.where(term > 0, shift_months(start, term, rules.month), NEVER)
    return np.minimum(following, term_end)


def _joined(
    customer: NDArray[np.int64], start: Instants, end: Instants, grace: int
) -> tuple[NDArray[np.int64], Instants, Instants]:
    if not len(customer):
        return customer, start, end
    same = customer[1:] == customer[:-1]
    continues = same & (start[1:] - np.where(same, end[:-1], 0) <= grace)
    first = np.concatenate([[True], ~continues])
    last = np.concatenate([~continues, [True]])
    return customer[first], start[first], end[last]
