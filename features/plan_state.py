"""Properties of a customer's subscriptions as they stand at `as_of`, booked changes included."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.history import History
from features.months import NEVER, Instants, month_edges, shift_months, whole_months_between
from features.profiles import Profiles
from features.references import References
from features.rules import CustomerRules
from features.timeline import Timeline

Values = NDArray[np.float64]


class PlanStates:
    """Compute plan properties for every customer; NaN for those without an open subscription."""

    def __init__(
        self,
        history: History,
        timeline: Timeline,
        profiles: Profiles,
        as_of: int,
        rules: CustomerRules,
        references: References,
    ) -> None:
        """Keep the visible history and its timeline."""
        self._history, self._timeline, self._profiles = history, timeline, profiles
        self._as_of, self._rules, self._references = as_of, rules, references

    def value(self, name: str) -> Values:
        """Return a property by its name, shape (n_customers,)."""
        return np.where(self.is_open, STATES[name](self), np.nan)

    @cached_property
    def is_open(self) -> NDArray[np.bool_]:
        """Whether a subscription is open at as_of."""
        return self._timeline.open_at(self._as_of) > 0

    @cached_property
    def main_interval(self) -> NDArray[np.int64]:
        """Index of the open interval with the highest MRR, -1 where none is open."""
        intervals = self._timeline.intervals
        is_open = (intervals.start <= self._as_of) & (self._as_of < intervals.end)
        found = np.flatnonzero(is_open)
        order = np.lexsort((intervals.row[found], intervals.mrr[found]))
        main = np.full(self._history.n_customers, -1)
        main[intervals.customer[found[order]]] = found[order]
        return main

    @cached_property
    def plan_label(self) -> NDArray[np.object_]:
        """Label of the main plan, "" where it has none or nothing is open, shape (n_customers,)."""
        names = np.array([*self._history.labels, ""], dtype=object)
        names[names == None] = ""  # noqa: E711 -- elementwise
        return names[self._of_main(self._label, -1)]

    def mrr(self) -> Values:
        """Return MRR now in major units."""
        return self._timeline.mrr_at(self._as_of) / self._history.minor_units

    def list_mrr(self) -> Values:
        """Return MRR before discount in major units."""
        return self._timeline.list_mrr_at(self._as_of) / self._history.minor_units

    def discount_share(self) -> Values:
        """Return the share of the list price that is not charged."""
        listed = self._timeline.list_mrr_at(self._as_of)
        charged = self._timeline.mrr_at(self._as_of)
        share = np.zeros(len(listed))
        np.divide(listed - charged, listed, out=share, where=listed > 0)
        return share

    def open_subscriptions(self) -> Values:
        """Return how many subscriptions are open."""
        return self._timeline.open_at(self._as_of).astype(np.float64)

    def tenure_months(self) -> Values:
        """Return whole months since the relationship began.

        A history that begins with anything but `subscribe` began before it was recorded: then
        the customers table's `acquired_at` counts, where it is earlier.
        """
        customer, start, _ = self._timeline.spells
        begun = np.flatnonzero(start <= self._as_of)
        relationship = relationship_starts(self._history, self._timeline, self._profiles)
        latest = np.full(self._history.n_customers, NEVER)
        latest[customer[begun]] = relationship[begun]
        return self._months_since(latest)

    def months_on_plan(self) -> Values:
        """Return whole months since the main plan or its price changed; a renewal is no change."""
        return self._months_since(self._of_main(self._price_began, NEVER))

    @cached_property
    def _label(self) -> NDArray[np.int32]:
        return self._history.label[self._timeline.intervals.row]

    @cached_property
    def _price_began(self) -> Instants:
        intervals = self._timeline.intervals
        continues = intervals.start[1:] == intervals.end[:-1]
        for same in (intervals.customer, intervals.subscription, intervals.mrr, self._label):
            continues &= same[1:] == same[:-1]
        begins = np.concatenate([[True], ~continues])[: len(intervals.start)]
        numbers = np.arange(len(begins))
        began: Instants = intervals.start[np.maximum.accumulate(np.where(begins, numbers, 0))]
        return began

    def term_months(self) -> Values:
        """Return the main plan's term in months; 0 means from month to month."""
        return self._of_main(self._timeline.intervals.term_months, 0).astype(np.float64)

    def months_to_renewal(self) -> Values:
        """Return in which month ahead the main plan's term ends: 1 is the coming month.

        Terms roll over. A term that ends at as_of ends in month 1: what happens then is not
        known yet.
        """
        term = self._of_main(self._timeline.intervals.term_months, 0)
        start = self._of_main(self._timeline.intervals.start, NEVER)
        has_term = term > 0
        due = np.full(len(term), np.nan)
        due[has_term] = self._month_ahead(self._term_end(start[has_term], term[has_term]))
        return due

    def _term_end(self, start: Instants, term: NDArray[np.int64]) -> Instants:
        """Return the first end of a rolling term that is not before as_of."""
        over = whole_months_between(start, self._as_of, self._rules.month) // term
        latest = shift_months(start, over * term, self._rules.month)
        following = shift_months(start, (over + 1) * term, self._rules.month)
        return np.where((latest == self._as_of) & (over > 0), latest, following)

    def _month_ahead(self, instant: Instants) -> NDArray[np.int64]:
        return 1 + whole_months_between(self._as_of, instant, self._rules.month)

    def months_to_booked_end(self) -> Values:
        """Return in which month ahead the last subscription ends as booked; NaN if none is."""
        end = self._timeline.spell_at(self._as_of)[1]
        booked = (end != NEVER) & self.is_open
        months = np.full(len(end), np.nan)
        months[booked] = self._month_ahead(end[booked])
        return months

    def booked_mrr_change(self) -> Values:
        """Return MRR six months ahead as booked over MRR now, less 1.

        0 where nothing is booked, nothing is charged now, or the last subscription ends by then:
        a booked end is told by `months_to_booked_end`.
        """
        ahead = int(month_edges(self._as_of, 6, self._rules.month)[-1])
        still_open = self._timeline.open_at(ahead) > 0
        now, then = self._timeline.mrr_at(self._as_of), self._timeline.mrr_at(ahead)
        change = np.zeros(len(now))
        np.divide(then - now, now, out=change, where=(now > 0) & still_open)
        return change

    def _months_since(self, start: Instants) -> Values:
        known = start != NEVER
        months = np.full(len(start), np.nan)
        months[known] = whole_months_between(start[known], self._as_of, self._rules.month)
        return months

    def _of_main(self, values: NDArray[np.generic], missing: int) -> NDArray[np.int64]:
        if not len(values):
            return np.full(self._history.n_customers, missing)
        return np.where(self.main_interval >= 0, values[self.main_interval], missing)


def relationship_starts(history: History, timeline: Timeline, profiles: Profiles) -> Instants:
    """Return when the relationship of each spell began, shape (n_spells,), as in `spells`.

    A spell that begins with anything but `subscribe` began before it was recorded: then the
    customers table's `acquired_at` counts, where it is earlier.
    """
    customer, start, _ = timeline.spells
    rows = history.of_kind("subscribe")
    spells = np.stack([customer, start])
    openings = np.stack([history.customer[rows], history.effective[rows]])
    _, number = np.unique(np.hstack([spells, openings]), axis=1, return_inverse=True)
    is_opened = np.isin(number[: len(start)], number[len(start) :])
    return np.where(is_opened, start, np.minimum(start, profiles.acquired[customer]))


STATES: dict[str, Callable[[PlanStates], Values]] = {
    function.__name__: function
    for function in (
        PlanStates.mrr,
        PlanStates.list_mrr,
        PlanStates.discount_share,
        PlanStates.open_subscriptions,
        PlanStates.tenure_months,
        PlanStates.months_on_plan,
        PlanStates.term_months,
        PlanStates.months_to_renewal,
        PlanStates.months_to_booked_end,
        PlanStates.booked_mrr_change,
    )
}
