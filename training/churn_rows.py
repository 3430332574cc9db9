"""The rows that churn is learned from: they stream in, and few enough of them are kept.

What is merely counted counts everybody. Trees are fitted on a sample of months, the curve beside
them on one of landmark rows. Whether something is drawn depends on customer, landmark, month and
seed alone, so that the sample is the same however the log was cut.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.booked_ends import EndCounts
from training.boosting import RowSample
from training.person_periods import Matrix, PersonPeriods, expand

MOST_ROWS_BESIDE = 100_000
"""Of so many landmark rows the curve beside the trees is fitted, about, at most."""
_SLACK = 1.5
_NEVER = 2.0
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIXES = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_MONTHS_APART = 1_000


@dataclass(frozen=True)
class ChurnRows:
    """Hold landmark rows: what was known, and what happened after.

    `signals` (n, n_signals) and `clocks` (n, 4) at the landmark; `landmark` (n,) numbers the
    landmarks in months (any origin); `exit_month` is 0 where none was seen in the
    `months_observed` months; `customer` (n,) are the `customer_keys`; `exit_kind` is 0 where none
    is known.
    """

    signals: Matrix
    clocks: NDArray[np.float64]
    landmark: NDArray[np.int64]
    exit_month: NDArray[np.int64]
    months_observed: NDArray[np.int64]
    customer: NDArray[np.uint64]
    exit_kind: NDArray[np.int64]

    def only(self, kept: NDArray[np.bool_]) -> "ChurnRows":
        """Return the rows that are kept."""
        return ChurnRows(*(getattr(self, field.name)[kept] for field in fields(self)))


@dataclass(frozen=True)
class ChurnSample:
    """Hold what the hazard is fitted on.

    `periods` point at `rows`, and so does `beside`, which marks the rows of the curve beside the
    trees. `n_exits` counts exits by distinct customers seen from their first month ahead: a lower
    bound. `ends` count everybody; `terms_lapse` says that a term nobody renews ends;
    `event_columns` are the signals that are days since an event of which the hazard has effects.
    """

    rows: ChurnRows
    periods: PersonPeriods
    beside: NDArray[np.bool_]
    n_exits: int
    ends: EndCounts
    terms_lapse: bool = False
    event_columns: tuple[int, ...] = ()


@dataclass(frozen=True)
class Shares:
    """Hold which share is kept: of months with an exit, of others, of rows beside."""

    left: float = 1.0
    stayed: float = 1.0
    beside: float = 1.0


class ChurnSampler:
    """Take landmark rows part by part and keep a sample of about `sample.most_rows` months.

    Exits are kept up to half of them, and the others in the room that is left; what is kept
    weighs as much as what was there. `longest` months ahead count, and rows of the landmarks
    `beside` (numbers) are kept for the curve beside the trees, at most MOST_ROWS_BESIDE.
    """

    def __init__(self, longest: int, sample: RowSample, beside: Collection[int]) -> None:
        self._longest = longest
        self._sample = sample
        self._landmarks_beside = np.array(sorted(beside))
        self._parts: list[_Part] = []
        self._n_left = self._n_stayed = self._n_beside = self._n_exits = 0
        self._ends = EndCounts()

    def add(self, rows: ChurnRows) -> None:
        """Take the rows of some customers; nobody may come twice at one landmark."""
        part = self._drawn(rows)
        n_left = int(part.periods.left.sum())
        self._n_left += n_left
        self._n_stayed += len(part.periods.left) - n_left
        self._n_beside += int((part.draw_beside < 1).sum())
        self._n_exits += int((rows.exit_month == 1).sum())
        self._ends += EndCounts.of(rows.clocks[:, 3], rows.exit_month)
        self._parts.append(part.thinned(self._shares()))
        if sum(len(part.draw) for part in self._parts) > _SLACK * self._sample.most_rows:
            self._parts = [part.thinned(self._shares()) for part in self._parts]

    def sample(self) -> ChurnSample:
        """Return what was kept of all parts, in the order in which they came, and let go of it."""
        shares = self._shares()
        parts = [part.thinned(shares) for part in self._parts]
        self._parts = []
        rows = _stacked([part.rows for part in parts])
        first = np.concatenate([[0], np.cumsum([len(part.draw_beside) for part in parts])])
        periods = [part.periods for part in parts]
        left = np.concatenate([part.left for part in periods])
        return ChurnSample(
            rows,
            PersonPeriods(
                np.concatenate(
                    [part.landmark_row + at for part, at in zip(periods, first[:-1], strict=True)]
                ),
                np.concatenate([part.month for part in periods]),
                left,
                np.where(left, 1 / shares.left, 1 / shares.stayed),
            ),
            np.concatenate([part.draw_beside for part in parts]) < shares.beside,
            self._n_exits,
            self._ends,
        )

    def _drawn(self, rows: ChurnRows) -> "_Part":
        periods = expand(rows.exit_month, rows.months_observed, self._longest)
        draw = draws(
            rows.customer[periods.landmark_row],
            rows.landmark[periods.landmark_row],
            periods.month,
            self._sample.seed,
        )
        of_rows = draws(rows.customer, rows.landmark, np.zeros_like(rows.landmark), 0)
        is_beside = np.isin(rows.landmark, self._landmarks_beside)
        return _Part(rows, periods, draw, np.where(is_beside, of_rows, _NEVER))

    def _shares(self) -> Shares:
        """Return which shares would be kept of all that came so far; they only ever fall."""
        most, n_left, n_stayed = self._sample.most_rows, self._n_left, self._n_stayed
        beside = min(most, MOST_ROWS_BESIDE)
        return Shares(
            left=min(1.0, max(most // 2, most - n_stayed) / max(n_left, 1)),
            stayed=min(1.0, max(most // 2, most - n_left) / max(n_stayed, 1)),
            beside=min(1.0, beside / max(self._n_beside, 1)),
        )


@dataclass(frozen=True)
class _Part:
    """Hold the rows of a part with their months, and a draw for each month and for each row."""

    rows: ChurnRows
    periods: PersonPeriods
    draw: NDArray[np.float64]
    draw_beside: NDArray[np.float64]

    def thinned(self, shares: Shares) -> "_Part":
        """Return the months and rows whose draw is below their share, and no other rows."""
        periods = self.periods
        kept = self.draw < np.where(periods.left, shares.left, shares.stayed)
        used = self.draw_beside < shares.beside
        used[periods.landmark_row[kept]] = True
        place = np.cumsum(used) - 1
        return _Part(
            self.rows.only(used),
            PersonPeriods(
                place[periods.landmark_row[kept]],
                periods.month[kept],
                periods.left[kept],
                periods.weight[kept],
            ),
            self.draw[kept],
            self.draw_beside[used],
        )


def customer_keys(customer_ids: NDArray[np.object_]) -> NDArray[np.uint64]:
    """Return a number for each customer that only the id settles, shape (n_customers,)."""
    keys: NDArray[np.uint64] = pd.util.hash_array(customer_ids, categorize=False)
    return keys


def draws(
    customer: NDArray[np.uint64],
    landmark: NDArray[np.int64],
    month: NDArray[np.int64],
    seed: int,
) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each customer, landmark and month, as if drawn by lot.

    The output function of SplitMix64 (Steele, Lea and Flood 2014, "Fast Splittable Pseudorandom
    Number Generators"), twice.
    """
    place = (landmark * _MONTHS_APART + month).astype(np.uint64) + np.uint64(seed) * _GOLDEN
    bits = _mixed(_mixed(place * _GOLDEN) ^ customer) >> np.uint64(11)
    return bits.astype(np.float64) * 2.0**-53


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    for shift, factor in _MIXES:
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return bits ^ (bits >> np.uint64(31))


def _stacked(parts: Sequence[ChurnRows]) -> ChurnRows:
    names = [field.name for field in fields(ChurnRows)]
    return ChurnRows(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
