"""The kernel: what expressions are worth for every customer of a history at one `as_of`.

One function for batch, service and Spark. Sums of integers and positions in sorted rows give
every window exactly, in any order of summation.
"""

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features import plan_state
from features.expressions import (
    ActiveDays,
    Allowance,
    Count,
    CountSince,
    DaysSince,
    Deviation,
    DistinctLabels,
    Expression,
    Largest,
    Latest,
    Mean,
    OfHappenings,
    OtherLevel,
    PlanState,
    Profile,
    Referred,
    Total,
)
from features.happenings import Happenings, scale_of
from features.history import History
from features.months import DAY, month_numbers
from features.plan_moves import NO_MOVES, PlanMoves, plan_moves
from features.profiles import Profiles
from features.program import Leaves, Listing, Program, program_of
from features.references import References
from features.rules import CustomerRules
from features.tallies import Tallies
from features.timeline import Timeline, timeline_of

Values = NDArray[np.float64]
CUSTOMERS_AT_ONCE = 1024
"""Customers whose tables of counts fit into a processor's cache, more or less."""


class Moment:
    """Evaluate expressions on what was visible at one instant."""

    def __init__(
        self,
        history: History,
        profiles: Profiles,
        as_of: int,
        rules: CustomerRules,
        references: References,
    ) -> None:
        """Keep only what was known before `as_of` (microseconds)."""
        self.history = history.visible_before(as_of)
        self.profiles = profiles.known_at(as_of, np.diff(self.history.offsets) > 0)
        self.as_of = as_of
        self.rules = rules
        self.references = references

    @cached_property
    def timeline(self) -> Timeline:
        """Subscriptions as they were believed to be, booked changes included."""
        return timeline_of(self.history, self.rules)

    @cached_property
    def moves(self) -> PlanMoves:
        """Moves of the plan, booked ones included."""
        return plan_moves(self.timeline)

    @cached_property
    def _moves_in_force(self) -> PlanMoves:
        return self.moves.until(self.as_of)

    @cached_property
    def plan(self) -> plan_state.PlanStates:
        """Properties of the plan as it stands."""
        return plan_state.PlanStates(
            self.history, self.timeline, self.profiles, self.as_of, self.rules, self.references
        )

    def value(self, expression: Expression) -> Values:
        """Return one expression's value, shape (n_customers,); NaN where it has none."""
        return self.matrix(program_of([expression]))[:, 0]

    def matrix(self, program: Program) -> Values:
        """Return one column an output of the program, shape (n_customers, n_outputs)."""
        n_customers = self.history.n_customers
        matrix = np.empty((len(program.outputs), n_customers))
        of_customers = [
            (place, self._of_customers(leaf)) for place, leaf in program.leaves_of_customers
        ]
        constants = [*program.constants, *self._seasons(program)]
        for first in range(0, n_customers, CUSTOMERS_AT_ONCE):
            last = min(first + CUSTOMERS_AT_ONCE, n_customers)
            table = np.empty((program.n_places, last - first))
            for place, constant in constants:
                table[place] = constant
            for place, values in of_customers:
                table[place] = values[first:last]
            self._fill(table, program, first, last)
            matrix[:, first:last] = table[program.outputs]
        return matrix.T

    def _fill(self, table: Values, program: Program, first: int, last: int) -> None:
        """Fill the places of what happened and of arithmetic, shape (n_places, n_customers).

        The customers are first to last - 1.
        """
        moves = self._moves_in_force.span(first, last) if program.asks_moves else NO_MOVES
        happenings = Happenings(self.history.span(first, last), moves, self.references)
        tallies = Tallies(happenings, self.as_of, program)
        for type_, leaves in program.leaves_of_events.items():
            table[leaves.places] = _OF_EVENTS[type_](tallies, leaves, program)
        for step in program.steps:
            table[step.into] = combined(step.operator, table[step.left], table[step.right])

    def _seasons(self, program: Program) -> list[tuple[int, float]]:
        return [(place, season(self.as_of, leaf.part)) for place, leaf in program.seasons]

    def _of_customers(self, leaf: Expression) -> Values:
        match leaf:
            case PlanState(name):
                return self.plan.value(name)
            case Allowance(metric):
                return self.plan.allowance(metric)
            case Profile(attribute, level):
                return self.profiles.value(attribute, level)
            case OtherLevel(attribute, levels):
                return self.profiles.other_level(attribute, levels)
            case Referred():
                return self.profiles.is_referred.astype(np.float64)
            case _:
                raise TypeError(f"{leaf!r} is no expression the kernel knows.")


def combined(operator: str, left: Values, right: Values) -> Values:
    """Return two arrays combined entry by entry; a division by 0 gives NaN."""
    if operator != "/":
        return _OPERATORS[operator](left, right)
    quotient = np.full(left.shape, np.nan)
    np.divide(left, right, out=quotient, where=right != 0)
    return quotient


_OPERATORS = {"+": np.add, "-": np.subtract, "min": np.minimum, "max": np.maximum}


def season(as_of: int, part: str) -> float:
    """Return the calendar month of an instant, or its place on the circle of the year."""
    month = 1 + int(month_numbers(as_of)) % 12
    angle = 2 * math.pi * (month - 1) / 12
    return {"month": float(month), "sine": math.sin(angle), "cosine": math.cos(angle)}[part]


def _scales(tallies: Tallies, leaves: Leaves) -> Values:
    """Return what a unit is in the integers of each leaf, shape (n_leaves, 1)."""
    history = tallies.happenings.history
    scales = [
        scale_of(leaf.happening, history.minor_units, history.usage_scale)
        for leaf in leaves.expressions
    ]
    return np.array(scales, dtype=np.float64)[:, None]


def _counts(tallies: Tallies, leaves: Leaves, _: Program) -> Values:
    return tallies.counts[leaves.window, leaves.listing].astype(np.float64)


def _totals(tallies: Tallies, leaves: Leaves, _: Program) -> Values:
    return tallies.totals[leaves.window, leaves.listing] / _scales(tallies, leaves)


def _means(tallies: Tallies, leaves: Leaves, _: Program) -> Values:
    counts = tallies.counts[-1, leaves.listing].astype(np.float64)
    return combined("/", tallies.totals[-1, leaves.listing], counts * _scales(tallies, leaves))


def _days_since(tallies: Tallies, leaves: Leaves, _: Program) -> Values:
    which = [leaf.which for leaf in leaves.expressions if isinstance(leaf, DaysSince)]
    is_first = np.array(which) == "first"
    days = np.empty((len(is_first), tallies.n_customers))
    for mask, found in ((is_first, tallies.firsts), (~is_first, tallies.latests)):
        place = found(leaves.listing[mask])
        at = _picked(place, tallies.rows, tallies.happenings.at)
        days[mask] = np.where(place >= 0, (tallies.as_of - at) / DAY, np.nan)
    return days


def _latest(tallies: Tallies, leaves: Leaves, _: Program) -> Values:
    place = tallies.latests(leaves.listing)
    values = _picked(place, tallies.values) / _scales(tallies, leaves)
    return np.where(place >= 0, values, np.nan)


def _picked(place: NDArray[np.int64], *arrays: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what arrays, each indexing the next, hold at places; anything where a place is -1."""
    for array in arrays:
        if not len(array):
            return np.zeros(place.shape, np.int64)
        place = array[place]
    return place


def _largest(tallies: Tallies, leaves: Leaves, _: Program) -> Values:
    largest = [
        tallies.reduced(listing, np.maximum, tallies.lists[listing][1])
        for listing in leaves.listing
    ]
    has_one = tallies.counts[-1, leaves.listing] > 0
    return np.where(has_one, np.array(largest) / _scales(tallies, leaves), np.nan)


def _deviations(tallies: Tallies, leaves: Leaves, _: Program) -> Values:
    n = tallies.counts[-1, leaves.listing]
    lists = [(listing, tallies.lists[listing][1]) for listing in leaves.listing]
    total = np.array([tallies.reduced(listing, np.add, values) for listing, values in lists])
    squares = np.array(
        [tallies.reduced(listing, np.add, values * values) for listing, values in lists]
    )
    spread = np.sqrt((n * squares - total * total).astype(np.float64))
    return combined("/", spread, n * _scales(tallies, leaves))


def _counts_since(tallies: Tallies, leaves: Leaves, program: Program) -> Values:
    since = [leaf.since for leaf in leaves.expressions if isinstance(leaf, CountSince)]
    marks = [program.listing_numbers[Listing(happening)] for happening in since]
    pairs = zip(leaves.listing, marks, strict=True)
    return np.array([tallies.counts_since(listing, since) for listing, since in pairs], np.float64)


def _active_days(tallies: Tallies, leaves: Leaves, _: Program) -> Values:
    days = tallies.active_days(leaves.listings, leaves.widest)
    return days[leaves.window, leaves.number].astype(np.float64)


def _distinct_labels(tallies: Tallies, leaves: Leaves, _: Program) -> Values:
    widest = int(leaves.widest.max())
    tables = [tallies.distinct_labels(listing, widest) for listing in leaves.listings]
    return np.array(tables, np.float64)[leaves.number, leaves.window]


_OF_EVENTS: dict[type[OfHappenings], Callable[[Tallies, Leaves, Program], Values]] = {
    Count: _counts,
    Total: _totals,
    Mean: _means,
    DaysSince: _days_since,
    Latest: _latest,
    Largest: _largest,
    Deviation: _deviations,
    CountSince: _counts_since,
    ActiveDays: _active_days,
    DistinctLabels: _distinct_labels,
}
