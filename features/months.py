"""Month arithmetic on instants: calendar months in UTC, or months of a fixed number of days.

Instants are int64 microseconds since 1970-01-01 UTC. A calendar month later is the same day and
time of the next month, clipped to the month's last day.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

MonthRule = Literal["calendar"] | float
Instants = NDArray[np.int64]

MINUTE = 60_000_000
"""Microseconds in an hour."""
DAY = 24 * 60 * MINUTE
"""Microseconds in a day."""
NEVER = np.iinfo(np.int64).max
"""An instant later than any other: the end of what has no end yet."""


_DAYS, _MONTHS = np.dtype("datetime64[D]"), np.dtype("datetime64[M]")


def shift_months(instants: ArrayLike, months: ArrayLike, month: MonthRule) -> Instants:
    """Return each instant moved by its number of months; NEVER stays NEVER.

    Parameters
    ----------
    instants, months : broadcastable integers
        Microseconds since the epoch, and months to move by (negative moves back).
    month : "calendar" or float
        What a month is: a calendar month in UTC, or that many days.

    Examples
    --------
    >>> jan_31 = np.datetime64("2024-01-31T00:00:00", "us").astype(np.int64)
    >>> str(shift_months(jan_31, 1, "calendar").astype("datetime64[us]"))[:10]
    '2024-02-29'
    """
    at, by = np.asarray(instants, np.int64), np.asarray(months, np.int64)
    moved = _shift_calendar(at, by) if month == "calendar" else at + by * _days(float(month))
    return np.where(at == NEVER, NEVER, moved)


def month_edges(as_of: int, n_months: int, month: MonthRule) -> Instants:
    """Return the n_months + 1 edges of the months after `as_of`; month k is [edge k-1, edge k)."""
    return shift_months(as_of, np.arange(n_months + 1), month)


def whole_months_between(start: ArrayLike, end: ArrayLike, month: MonthRule) -> Instants:
    """Return how many whole months fit from start to end (floor; negative if end is earlier)."""
    begin, finish = np.asarray(start, np.int64), np.asarray(end, np.int64)
    if month != "calendar":
        return (finish - begin) // _days(float(month))
    begin_day, finish_day = begin // DAY, finish // DAY
    from_month, to_month = _months_of_days(begin_day), _months_of_days(finish_day)
    # Where begin falls in the last month, clipped to its last day, against where finish does.
    first, last = _first_day(to_month), _first_day(to_month + 1) - 1
    falls_on = np.minimum(first + begin_day - _first_day(from_month), last)
    is_over = (falls_on - begin_day) * DAY + begin <= finish
    return to_month - from_month - ~is_over


def months_that_fit(as_of: int, until: int, month: MonthRule) -> int:
    """Return how many months after `as_of` are over by `until`, at least 0."""
    return max(0, int(whole_months_between(as_of, until, month)))


def _days(days: ArrayLike) -> Instants:
    return np.rint(np.asarray(days, np.float64) * DAY).astype(np.int64)


def month_numbers(instants: ArrayLike) -> Instants:
    """Return the calendar month (UTC) of each instant, in months since 1970-01."""
    return _months_of_days(np.asarray(instants, np.int64) // DAY)


def _shift_calendar(instants: Instants, months: Instants) -> Instants:
    finite = np.where(instants == NEVER, 0, instants)
    days = finite // DAY
    first = _months_of_days(days)
    target = first + months
    last_day = _first_day(target + 1) - _first_day(target) - 1
    day_of_month = days - _first_day(first)
    moved_days: Instants = _first_day(target) + np.minimum(day_of_month, last_day)
    return moved_days * DAY + (finite - days * DAY)


def _months_of_days(days: Instants) -> Instants:
    months: Instants = days.view(_DAYS).astype(_MONTHS).view(np.int64)
    return months


def _first_day(month_numbers: Instants) -> Instants:
    days: Instants = month_numbers.view(_MONTHS).astype(_DAYS).view(np.int64)
    return days
