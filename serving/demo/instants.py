"""Months of the simulation and moments within them.

A month is a whole number, 12 x year + (calendar month - 1). A moment within it is a number of days
since 00:00 UTC on its first, drawn by day of the month 1 to 28 and in office hours, so that the
same moment exists in every month and no local time is ambiguous.
"""

from datetime import date

import numpy as np

from serving.demo.blocks import Floats, Instants, Ints

FIRST_HOUR, LAST_HOUR = 7.0, 19.0


def month_of(day: date) -> int:
    """Return the number of the calendar month that `day` lies in."""
    return 12 * day.year + day.month - 1


def first_day(month: int) -> date:
    """Return the first day of a month."""
    return date(month // 12, month % 12 + 1, 1)


def days_in(month: int) -> int:
    """Return how many days a month has."""
    return (first_day(month + 1) - first_day(month)).days


def instants(month: int | Ints, day: Floats) -> Instants:
    """Return the instants (UTC, whole seconds) that lie `day` days after the month began."""
    years_and_months = np.asarray(month, dtype=np.int64) - 12 * 1970
    start = years_and_months.astype("datetime64[M]").astype("datetime64[s]")
    moments: Instants = start + np.rint(np.asarray(day) * 86_400).astype("timedelta64[s]")
    return moments


def days_of_month(n: int, rng: np.random.Generator) -> Floats:
    """Draw `n` moments within a month, in days from its start, at office hours."""
    return in_office_hours(28.0 * rng.random(n))


def in_office_hours(day: Floats) -> Floats:
    """Squeeze the hour of a moment into office hours, keeping its day and the order of moments."""
    whole = np.floor(day)
    hours: Floats = FIRST_HOUR + (LAST_HOUR - FIRST_HOUR) * (day - whole)
    return whole + hours / 24.0
