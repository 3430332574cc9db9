"""The kernel: what an expression is worth for every customer of a history at one `as_of`.

One function for batch, service and Spark. Prefix sums of integers and positions in sorted rows
give every window exactly, in any order of summation.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features import plan_state
from features.expressions import (
    ActiveDays,
    Arithmetic,
    Constant,
    Count,
    CountSince,
    DaysSince,
    Deviation,
    DistinctLabels,
    Expression,
    Largest,
    Latest,
    Mean,
    OtherLevel,
    PlanState,
    Profile,
    Referred,
    Season,
    Total,
)
from features.happenings import (
    MOVES,
    PlanMoves,
    plan_moves,
    purchase_gaps,
    purchases,
    recovered_payments,
    repeat_purchases,
    rows_of_kind,
)
from features.history import MISSING, QUANTITY_SCALE, History, offsets_of_counts
from features.instants import datetime_of
from features.months import DAY
from features.profiles import Profiles
from features.references import References
from features.rules import CustomerRules
from features.timeline import Timeline, timeline_of

Values = NDArray[np.float64]
_MONEY_HAPPENINGS = frozenset(
    {
        "payment",
        "refund",
        "payment_failed",
        "cost",
        "contact",
        "offer",
        "purchase",
        "payment_recovered",
        "downgrade_to_floor",
    }
)
_DERIVED = {
    "purchase": purchases,
    "repeat_purchase": repeat_purchases,
    "purchase_gap": purchase_gaps,
    "payment_recovered": recovered_payments,
}
_HOURS_A_DAY = 24


@dataclass(frozen=True)
class Happening:
    """Hold the rows of a happening, their customers' offsets, values and running totals."""

    rows: NDArray[np.int64]
    offsets: NDArray[np.int64]
    values: NDArray[np.int64]

    @cached_property
    def running(self) -> NDArray[np.int64]:
        """Sum of the values before each row, shape (n_rows + 1,)."""
        return offsets_of_counts(np.maximum(self.values, 0))


class Moment:
    """Evaluate expressions on what was visible at one instant, each part once."""

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
        self.profiles = profiles
        self.as_of = as_of
        self.rules = rules
        self.references = references
        self._happenings: dict[str, Happening] = {}
        self._values: dict[Expression, Values] = {}

    @cached_property
    def timeline(self) -> Timeline:
        """Subscriptions as they were believed to be, booked changes included."""
        return timeline_of(self.history, self.rules)

    @cached_property
    def plan(self) -> plan_state.PlanStates:
        """Properties of the plan as it stands."""
        return plan_state.PlanStates(
            self.history, self.timeline, self.profiles, self.as_of, self.rules, self.references
        )

    @cached_property
    def _moves(self) -> PlanMoves:
        return plan_moves(self.history)

    def matrix(self, expressions: list[Expression]) -> Values:
        """Return one column an expression, shape (n_customers, n_expressions)."""
        return np.column_stack([self.value(expression) for expression in expressions])

    def value(self, expression: Expression) -> Values:
        """Return the expression's value, shape (n_customers,); NaN where it has none."""
        if expression not in self._values:
            self._values[expression] = self._computed(expression)
        return self._values[expression]

    def _computed(self, expression: Expression) -> Values:  # noqa: C901, PLR0911 -- one arm a node
        match expression:
            case Count(happening, days):
                first, last = self._window(happening, days)
                return (last - first).astype(np.float64)
            case Total(happening, days):
                first, last = self._window(happening, days)
                running = self.happening(happening).running
                return (running[last] - running[first]) / self._scale(happening)
            case CountSince(happening, since):
                return self._count_since(happening, since)
            case Largest(happening):
                return self._largest(happening)
            case Deviation(happening):
                return self._deviation(happening)
            case Mean(happening):
                return self._mean(happening)
            case DaysSince(happening, which):
                return self._days_since(happening, which == "first")
            case Latest(happening):
                return self._latest(happening)
            case ActiveDays(happening, days):
                return self._distinct(self._recent(happening, days), self.history.occurred // DAY)
            case DistinctLabels(happening, days):
                rows, label = self._recent(happening, days), self.history.label
                return self._distinct(rows[label[rows] >= 0], label)
            case PlanState(name):
                return self.plan.value(name)
            case Profile(attribute, level):
                return self.profiles.value(attribute, level)
            case OtherLevel(attribute, levels):
                return self.profiles.other_level(attribute, levels)
            case Referred():
                return self.profiles.is_referred.astype(np.float64)
            case Season(part):
                return np.full(self.history.n_customers, season(self.as_of, part))
            case Arithmetic(operator, left, right):
                return _combined(operator, self.value(left), self.value(right))
            case Constant(value):
                return np.full(self.history.n_customers, value)
            case _:
                raise TypeError(f"{expression!r} is no expression the kernel knows.")

    def happening(self, name: str) -> Happening:
        """Return the rows of a happening among the visible events."""
        if name not in self._happenings:
            rows, values = self._found(name)
            counts = np.bincount(self.history.customer[rows], minlength=self.history.n_customers)
            self._happenings[name] = Happening(rows, offsets_of_counts(counts), values)
        return self._happenings[name]

    def _found(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if name in _DERIVED:
            return _DERIVED[name](self.history)
        if name in MOVES or name == "downgrade_to_floor":
            return self._moved(name)
        rows = rows_of_kind(self.history, name)
        return rows, self.history.value[rows]

    def _moved(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        moves, floor = self._moves, self.references.floor
        if name == "downgrade_to_floor":
            limit = -1 if floor is None else floor
            found = MOVES["downgrade"](moves) & (moves.list_now <= limit)
        else:
            found = MOVES[name](moves)
        return moves.row[found], np.abs(moves.list_now - moves.list_before)[found]

    def _count_since(self, name: str, since: str) -> Values:
        counted, latest = self.happening(name).rows, np.full(self.history.n_customers, -1)
        marks = self.happening(since).rows
        latest[self.history.customer[marks]] = marks
        customer = self.history.customer[counted]
        later = customer[counted > latest[customer]]
        return np.bincount(later, minlength=self.history.n_customers).astype(np.float64)

    def _largest(self, name: str) -> Values:
        happening = self.happening(name)
        largest = np.full(self.history.n_customers, MISSING)
        np.maximum.at(largest, self.history.customer[happening.rows], happening.values)
        return np.where(largest == MISSING, np.nan, largest / self._scale(name))

    def _deviation(self, name: str) -> Values:
        happening = self.happening(name)
        known = happening.values != MISSING
        customer, values = self.history.customer[happening.rows[known]], happening.values[known]
        n, total, squares = (np.zeros(self.history.n_customers, np.int64) for _ in range(3))
        np.add.at(n, customer, 1)
        np.add.at(total, customer, values)
        np.add.at(squares, customer, values * values)
        spread = np.sqrt((n * squares - total * total).astype(np.float64))
        return _combined("/", spread, n.astype(np.float64) * self._scale(name))

    def _window(self, name: str, days: int | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        happening = self.happening(name)
        first, last = happening.offsets[:-1], happening.offsets[1:]
        if days is None:
            return first, last
        is_earlier = self.history.occurred[happening.rows] < self.as_of - days * DAY
        earlier = offsets_of_counts(is_earlier.astype(np.int64))
        return first + earlier[last] - earlier[first], last

    def _scale(self, name: str) -> int:
        if name == "purchase_gap":
            return _HOURS_A_DAY
        is_money = name.partition(":")[0] in _MONEY_HAPPENINGS or name in MOVES
        return self.history.minor_units if is_money else QUANTITY_SCALE

    def _days_since(self, name: str, of_first: bool) -> Values:  # noqa: FBT001 -- private
        happening = self.happening(name)
        first, last = happening.offsets[:-1], happening.offsets[1:]
        position = first if of_first else last - 1
        return self._picked(
            last > first, position, (self.as_of - self.history.occurred[happening.rows]) / DAY
        )

    def _mean(self, name: str) -> Values:
        happening = self.happening(name)
        first, last = happening.offsets[:-1], happening.offsets[1:]
        known = offsets_of_counts((happening.values != MISSING).astype(np.int64))
        total = (happening.running[last] - happening.running[first]).astype(np.float64)
        n_known = (known[last] - known[first]).astype(np.float64)
        return _combined("/", total, n_known * self._scale(name))

    def _latest(self, name: str) -> Values:
        happening = self.happening(name)
        known = np.flatnonzero(happening.values != MISSING)
        customer = self.history.customer[happening.rows[known]]
        offsets = offsets_of_counts(np.bincount(customer, minlength=self.history.n_customers))
        values = happening.values[known] / self._scale(name)
        return self._picked(np.diff(offsets) > 0, offsets[1:] - 1, values)

    def _picked(
        self, has_one: NDArray[np.bool_], position: NDArray[np.int64], values: Values
    ) -> Values:
        picked = np.full(self.history.n_customers, np.nan)
        picked[has_one] = values[position[has_one]]
        return picked

    def _recent(self, name: str, days: int) -> NDArray[np.int64]:
        rows = self.happening(name).rows
        return rows[self.history.occurred[rows] >= self.as_of - days * DAY]

    def _distinct(self, rows: NDArray[np.int64], of: NDArray[np.integer]) -> Values:
        pairs = np.stack([self.history.customer[rows], of[rows]])
        order = np.lexsort(pairs[::-1])
        pairs = pairs[:, order]
        is_new = np.append(True, np.any(pairs[:, 1:] != pairs[:, :-1], axis=0))[: len(rows)]
        counts = np.bincount(pairs[0][is_new], minlength=self.history.n_customers)
        return counts.astype(np.float64)


def _combined(operator: str, left: Values, right: Values) -> Values:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "min":
        return np.minimum(left, right)
    if operator == "max":
        return np.maximum(left, right)
    quotient = np.full(len(left), np.nan)
    np.divide(left, right, out=quotient, where=right != 0)
    return quotient


def season(as_of: int, part: str) -> float:
    """Return the calendar month of an instant, or its place on the circle of the year."""
    month = datetime_of(as_of).month
    angle = 2 * math.pi * (month - 1) / 12
    return {"month": float(month), "sine": math.sin(angle), "cosine": math.cos(angle)}[part]
