"""Signals as data: a small language of window primitives and arithmetic on them.

An expression is a frozen value, so that equal parts are computed once and another engine can
translate it. A happening is a kind of event (`"payment"`), a kind with its label
(`"support:high"`, `"usage:searches"`) or one derived from plan events (`"downgrade"`,
`"purchase"`); see `features.happenings`.
"""

from dataclasses import dataclass
from typing import Literal


class Expression:
    """Give every expression the arithmetic that signals are written with."""

    def __sub__(self, other: "Expression") -> "Expression":
        """Return the difference of two expressions."""
        return Arithmetic("-", self, other)

    def __add__(self, other: "Expression") -> "Expression":
        """Return the sum of two expressions."""
        return Arithmetic("+", self, other)

    def __truediv__(self, other: "Expression | float") -> "Expression":
        """Return the quotient, NaN where the divisor is 0."""
        return Arithmetic("/", self, _expression(other))

    def at_most(self, other: "Expression | float") -> "Expression":
        """Return the smaller of two expressions."""
        return Arithmetic("min", self, _expression(other))

    def at_least(self, other: "Expression | float") -> "Expression":
        """Return the larger of two expressions."""
        return Arithmetic("max", self, _expression(other))


@dataclass(frozen=True)
class Constant(Expression):
    """Stand for a number."""

    value: float


@dataclass(frozen=True)
class OfHappenings(Expression):
    """Share what everything that is said of happenings has: which."""

    happening: str


@dataclass(frozen=True)
class Count(OfHappenings):
    """Count happenings in the last `days` before as_of, or ever."""

    days: int | None = None


@dataclass(frozen=True)
class Total(OfHappenings):
    """Add up the values of happenings: major units of money, or quantities."""

    days: int | None = None


@dataclass(frozen=True)
class CountSince(OfHappenings):
    """Count happenings after the latest of another happening, or all where there was none.

    Of those at one instant events come first, by event_id, and then moves of the plan.
    """

    since: str


@dataclass(frozen=True)
class Largest(OfHappenings):
    """Give the largest value of the happenings; NaN where none has one."""


@dataclass(frozen=True)
class Deviation(OfHappenings):
    """Give the standard deviation (divisor n) of the values; NaN where none has one."""


@dataclass(frozen=True)
class Mean(OfHappenings):
    """Give the mean value of the happenings that have one; NaN where there was none."""


@dataclass(frozen=True)
class ActiveDays(OfHappenings):
    """Count the days with a happening: days of 24 hours, counted back from as_of."""

    days: int


@dataclass(frozen=True)
class DistinctLabels(OfHappenings):
    """Count the distinct labels among happenings; no label is none."""

    days: int


@dataclass(frozen=True)
class DaysSince(OfHappenings):
    """Give the days since the latest (or first) happening; NaN where there was none."""

    which: Literal["latest", "first"] = "latest"


@dataclass(frozen=True)
class Latest(OfHappenings):
    """Give the value of the latest happening that has one; NaN where there was none."""


@dataclass(frozen=True)
class PlanState(Expression):
    """Give a property of the customer's plan as it stands; see `features.plan_state`."""

    name: str


@dataclass(frozen=True)
class Allowance(Expression):
    """Give the usage of a metric a month that the plans held now include; NaN where unknown."""

    metric: str


@dataclass(frozen=True)
class Profile(Expression):
    """Give a fact of the customers table: 1 where the attribute has the level, else 0.

    Without a level the attribute is a number and stands for itself; NaN where unknown.
    """

    attribute: str
    level: str | None = None


@dataclass(frozen=True)
class OtherLevel(Expression):
    """Give 1 where an attribute is known and none of these levels, else 0."""

    attribute: str
    levels: tuple[str, ...]


@dataclass(frozen=True)
class Referred(Expression):
    """Give 1 where the customers table names who referred the customer, else 0."""


@dataclass(frozen=True)
class Season(Expression):
    """Give the calendar month (UTC) of as_of, 1 to 12, or its place on the circle of the year."""

    part: Literal["month", "sine", "cosine"]


@dataclass(frozen=True)
class Arithmetic(Expression):
    """Combine two expressions; NaN where one is NaN, or where a divisor is 0."""

    operator: Literal["+", "-", "/", "min", "max"]
    left: Expression
    right: Expression


def _expression(value: Expression | float) -> Expression:
    return value if isinstance(value, Expression) else Constant(float(value))
