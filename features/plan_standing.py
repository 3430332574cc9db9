"""Where customers' subscriptions stand at `as_of`: what is open, the main plan, its beginnings.

States of the plan are functions of this; see `features.plan_state`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.history import History
from features.months import NEVER, Instants, whole_months_between
from features.profiles import Profiles
from features.references import References
from features.rules import CustomerRules
from features.timeline import Timeline

Minor = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PlanStanding:
    """Hold the visible history and its timeline, and what they say of as_of, each part once.

    Arrays have shape (n_customers,) where nothing else is said.
    """

    history: History
    timeline: Timeline
    profiles: Profiles
    as_of: int
    rules: CustomerRules
    references: References

    @cached_property
    def position(self) -> NDArray[np.int64]:
        """Step of the timeline in force at as_of, -1 before the first."""
        return self.timeline.position(self.as_of)

    @cached_property
    def n_open(self) -> NDArray[np.int64]:
        """Subscriptions open at as_of."""
        return self.timeline.values_of(self.timeline.n_open, self.position)

    @cached_property
    def is_open(self) -> NDArray[np.bool_]:
        """Whether a subscription is open at as_of."""
        return self.n_open > 0

    @cached_property
    def all_open(self) -> bool:
        """Whether everybody has a subscription open."""
        return bool(self.is_open.all())

    @cached_property
    def charged(self) -> Minor:
        """MRR at as_of in minor units."""
        return self.timeline.values_of(self.timeline.mrr, self.position)

    @cached_property
    def listed(self) -> Minor:
        """MRR before discount at as_of in minor units."""
        return self.timeline.values_of(self.timeline.list_mrr, self.position)

    @cached_property
    def usual_listed(self) -> Minor:
        """MRR before discount at as_of in minor units, during a pause that before it."""
        usual = self.timeline.intervals.usual_list_mrr.astype(np.float64)
        return self.timeline.sum_at(usual, self.as_of).astype(np.int64)

    @cached_property
    def open_intervals(self) -> NDArray[np.int64]:
        """Indices of the intervals open at as_of, rising."""
        intervals = self.timeline.intervals
        return np.flatnonzero((intervals.start <= self.as_of) & (self.as_of < intervals.end))

    @cached_property
    def main_interval(self) -> NDArray[np.int64]:
        """Index of the open interval with the highest MRR, -1 where none is open.

        Of equals it is the one whose event comes last in the history.
        """
        intervals, found = self.timeline.intervals, self.open_intervals
        if len(found) > 1:
            found = found[np.lexsort((intervals.row[found], intervals.mrr[found]))]
        main = np.full(self.history.n_customers, -1)
        main[intervals.customer[found]] = found
        return main

    def of_main(self, values: NDArray[np.integer], missing: int) -> NDArray[np.int64]:
        """Return an interval's property of the main interval."""
        main = self.main_interval
        if not len(values):
            return np.full(len(main), missing)
        return np.where(main >= 0, values[main], missing)

    @property
    def label(self) -> NDArray[np.int32]:
        """Label code of each interval's plan, -1 where it has none, shape (n_intervals,)."""
        return self.timeline.intervals.label

    @cached_property
    def plan_label(self) -> NDArray[np.object_]:
        """Label of the main plan, "" where it has none or nothing is open."""
        names = np.array([*self.history.labels, ""], dtype=object)
        names[names == None] = ""  # noqa: E711 -- elementwise
        return names[self.of_main(self.label, -1)]

    @cached_property
    def began(self) -> Instants:
        """Beginning of the relationship; NEVER where there was none; see `relationship_starts`."""
        customer, start, _ = self.timeline.spells
        begun = start <= self.as_of
        relationship = relationship_starts(self.history, self.timeline, self.profiles)
        latest = np.full(self.history.n_customers, NEVER)
        latest[customer[begun]] = relationship[begun]
        return latest

    @cached_property
    def months_since(self) -> NDArray[np.int64]:
        """Whole months since the relationship, the main plan's price and its interval began.

        Shape (3, n_customers); the month count of 1970 where nothing is open.
        """
        price = self.of_main(self._price_began, 0)
        interval = self.of_main(self.timeline.intervals.start, 0)
        starts = np.stack([np.where(self.is_open, self.began, 0), price, interval])
        return whole_months_between(starts, self.as_of, self.rules.month)

    @cached_property
    def _price_began(self) -> Instants:
        """Since when each interval's plan and price have been the same, shape (n_intervals,)."""
        intervals = self.timeline.intervals
        if not len(intervals.start):
            return intervals.start
        changes = intervals.start[1:] != intervals.end[:-1]
        for same in (intervals.customer, intervals.subscription, intervals.mrr, self.label):
            changes |= same[1:] != same[:-1]
        first = np.arange(len(intervals.start))
        first[1:][~changes] = 0
        began: Instants = intervals.start[np.maximum.accumulate(first)]
        return began

    @cached_property
    def booked_end(self) -> Instants:
        """When the last open subscription ends as booked; NEVER where no end is booked."""
        return np.where(self.is_open, self.timeline.spell_at(self.as_of)[1], NEVER)


def relationship_starts(history: History, timeline: Timeline, profiles: Profiles) -> Instants:
    """Return when the relationship of each spell began, shape (n_spells,), as in `spells`.

    A customer's first spell that begins with anything but `subscribe` began before it was
    recorded: then the customers table's `acquired_at` counts, where it is earlier.
    """
    customer, start, _ = timeline.spells
    rows = history.of_kind("subscribe")
    whose = np.concatenate([customer, history.customer[rows]])
    when = np.concatenate([start, history.effective[rows]])
    # A stable order: a spell comes directly before the subscribe events at its start.
    order = np.lexsort((when, whose))
    whose, when = whose[order], when[order]
    followed = order[:-1][(whose[1:] == whose[:-1]) & (when[1:] == when[:-1])]
    is_first = np.append(True, customer[1:] != customer[:-1])[: len(customer)]
    relationship = np.where(is_first, np.minimum(start, profiles.acquired[customer]), start)
    opened = followed[followed < len(start)]
    relationship[opened] = start[opened]
    return relationship
