"""Counts and totals of every happening in every window, for all customers at once.

The rows of all happenings are put behind one another. Within a happening they are sorted by
customer and time, so that one pass counts every window, and positions give the first and latest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.happenings import Happenings
from features.history import offsets_of_counts
from features.months import DAY, NEVER
from features.program import Program

Values = NDArray[np.float64]
Rows = NDArray[np.int64]
_CELLS_A_ROW = 16
"""Above so many cells a row a table of pairs costs more than sorting them."""


@dataclass(frozen=True)
class Tallies:
    """Hold the listed rows of some customers, and how they fall into the windows of a program."""

    happenings: Happenings
    as_of: int
    program: Program

    @property
    def n_customers(self) -> int:
        """Customers of the history."""
        return self.happenings.history.n_customers

    @property
    def windows(self) -> tuple[int, ...]:
        """Days before as_of, rising."""
        return self.program.windows

    @cached_property
    def lists(self) -> Sequence[tuple[Rows, Rows]]:
        """Rows and values of each listing."""
        return [self.happenings.listed(listing) for listing in self.program.listings]

    @cached_property
    def age(self) -> NDArray[np.int8]:
        """Place of the smallest window that holds each row, their number where none does."""
        at = self.happenings.at
        age = np.zeros(len(at), np.int8)
        for days in self.windows:
            age += at < self.as_of - days * DAY
        return age

    @cached_property
    def day(self) -> NDArray[np.int64]:
        """Number of days of 24 hours that lie between each row and as_of."""
        return (self.as_of - 1 - self.happenings.at) // DAY

    @cached_property
    def rows(self) -> Rows:
        """Rows of all listings, one listing behind the other."""
        return np.concatenate([rows for rows, _ in self.lists])

    @cached_property
    def values(self) -> Rows:
        """Values of `rows`."""
        return np.concatenate([values for _, values in self.lists])

    @cached_property
    def _segment(self) -> Rows:
        """Number of listing and customer of each of `rows`; it rises."""
        lengths = [len(rows) for rows, _ in self.lists]
        first = np.arange(len(lengths)) * self.n_customers
        return np.repeat(first, lengths) + self.happenings.customer[self.rows]

    @cached_property
    def _cell(self) -> Rows:
        n_segments = len(self.lists) * self.n_customers
        return self.age[self.rows] * np.int64(n_segments) + self._segment

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Count the rows by window, shape (n_windows + 1, n_listings, n_customers); last is all."""
        return self._summed(self._cell, None, len(self.lists))

    @cached_property
    def totals(self) -> Values:
        """Add up values by window, shape (n_windows + 1, n_totalled, n_customers); last is all."""
        n_totalled = self.program.n_totalled
        n_rows = sum(len(rows) for rows, _ in self.lists[:n_totalled])
        cell = self._cell[:n_rows]
        if n_totalled < len(self.lists):
            spare = (len(self.lists) - n_totalled) * self.n_customers
            cell = cell - self.age[self.rows[:n_rows]] * np.int64(spare)
        values = np.maximum(self.values[:n_rows], 0).astype(np.float64)
        return self._summed(cell, values, n_totalled)

    def _summed(self, cell: Rows, values: Values | None, n_listings: int) -> NDArray[Any]:
        shape = (len(self.windows) + 1, n_listings, self.n_customers)
        sums = np.bincount(cell, values, math.prod(shape)).reshape(shape)
        return _running(sums)

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """Where each listing and customer begins in `rows`, shape (n_segments + 1,)."""
        return offsets_of_counts(self.counts[-1].ravel())

    def firsts(self, listings: Rows) -> Rows:
        """Return places in `rows` of first ones, shape (n_listings, n_customers); -1 if none."""
        segments = listings[:, None] * self.n_customers + np.arange(self.n_customers)
        begin = self.offsets[segments]
        return np.where(self.offsets[segments + 1] > begin, begin, -1)

    def latests(self, listings: Rows) -> Rows:
        """Return places in `rows` of latest ones, shape (n_listings, n_customers); -1 if none."""
        segments = listings[:, None] * self.n_customers + np.arange(self.n_customers)
        end = self.offsets[segments + 1]
        return np.where(end > self.offsets[segments], end - 1, -1)

    def reduced(self, listing: int, how: np.ufunc, values: Rows) -> Rows:
        """Reduce values of one listing by customer, shape (n_customers,); 0 where there is none."""
        offsets = self._offsets_of(listing)
        found = np.flatnonzero(np.diff(offsets))
        reduced = np.zeros(self.n_customers, np.int64)
        if len(found):
            reduced[found] = how.reduceat(values, offsets[found] - offsets[0])
        return reduced

    def _offsets_of(self, listing: int) -> NDArray[np.int64]:
        begin = listing * self.n_customers
        return self.offsets[begin : begin + self.n_customers + 1]

    def counts_since(self, listing: int, since: int) -> Rows:
        """Count rows of one listing after the latest of another, shape (n_customers,)."""
        whose, at = self.happenings.customer, self.happenings.at
        latest = np.full(self.n_customers, -1)
        since_when = np.full(self.n_customers, -NEVER)
        marks, rows = self.lists[since][0], self.lists[listing][0]
        latest[whose[marks]], since_when[whose[marks]] = marks, at[marks]
        customer, when = whose[rows], at[rows]
        is_later = when > since_when[customer]
        is_later |= (when == since_when[customer]) & (rows > latest[customer])
        return np.bincount(customer[is_later], minlength=self.n_customers)

    def active_days(self, listings: Rows, widest: Rows) -> Rows:
        """Count days with a row by window, shape (n_windows, n_listings, n_customers).

        `widest` is the place of the last window that is asked of each listing; beyond it a
        listing's counts are too low.
        """
        lists = [self.lists[listing][0] for listing in listings]
        parts = [rows[self.age[rows] <= w] for rows, w in zip(lists, widest, strict=True)]
        rows = np.concatenate(parts)
        first = np.arange(len(parts)) * self.n_customers
        segment = np.repeat(first, [len(part) for part in parts]) + self.happenings.customer[rows]
        day, age = self.day[rows], self.age[rows].astype(np.int64)
        is_new = np.ones(len(rows), np.bool_)
        is_new[1:] = (segment[1:] != segment[:-1]) | (day[1:] != day[:-1])
        shape = (len(self.windows), len(parts), self.n_customers)
        cell = age * math.prod(shape[1:]) + segment
        return _running(np.bincount(cell[is_new], minlength=math.prod(shape)).reshape(shape))

    def distinct_labels(self, listing: int, largest: int) -> Rows:
        """Count distinct labels by window up to a place, shape (largest + 1, n_customers)."""
        rows, labels = self.lists[listing][0], self.happenings.label
        rows = rows[(self.age[rows] <= largest) & (labels[rows] >= 0)]
        customer, label = self.happenings.customer[rows], labels[rows].astype(np.int64)
        latest = _latest_of_pairs(customer, label, len(self.happenings.history.labels))
        cell = self.age[rows[latest]] * np.int64(self.n_customers) + customer[latest]
        found = np.bincount(cell, minlength=(largest + 1) * self.n_customers)
        return _running(found.reshape(largest + 1, self.n_customers))


def _running(sums: NDArray[Any]) -> NDArray[Any]:
    """Add to each window, in place, what the smaller ones hold."""
    for window in range(1, len(sums)):
        sums[window] += sums[window - 1]
    return sums


def _latest_of_pairs(customer: Rows, label: Rows, n_labels: int) -> Rows:
    """Return the place of the last of each pair of customer and label."""
    n_pairs = (int(customer[-1]) + 1) * n_labels if len(customer) else 0
    pair = customer * n_labels + label
    if n_pairs > _CELLS_A_ROW * len(pair):
        order = np.argsort(pair, kind="stable")
        ends = np.flatnonzero(np.append(pair[order][1:] != pair[order][:-1], True))
        return order[ends]
    latest = np.full(n_pairs, -1)
    latest[pair] = np.arange(len(pair))
    return latest[latest >= 0]
