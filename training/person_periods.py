"""Person-period rows: one a customer, landmark and month ahead, with what is known of that month.

The expansion handles censoring (a month counts only where it is over) and left truncation
(a customer enters at the landmark, alive).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLOCK_SIGNALS = ("tenure_months", "term_months", "months_to_renewal", "months_to_booked_end")

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class PersonPeriods:
    """Hold one row a month at risk, shape (n_periods,) each.

    `landmark_row` points at the landmark row a period was made from; `month` is months ahead;
    `left` says whether the customer left in it; `weight` makes up for rows left out.
    """

    landmark_row: NDArray[np.int64]
    month: NDArray[np.int64]
    left: NDArray[np.bool_]
    weight: NDArray[np.float64]


def expand(
    exit_month: NDArray[np.int64], months_observed: NDArray[np.int64], longest: int
) -> PersonPeriods:
    """Return a row for every month a customer was at risk in, up to `longest` months ahead.

    Parameters
    ----------
    exit_month : (n_landmark_rows,)
        Month of the exit, 0 where none was seen.
    months_observed : (n_landmark_rows,)
        Months ahead that are over.
    """
    at_risk = np.where(exit_month > 0, exit_month, months_observed)
    rows = np.repeat(np.arange(len(exit_month)), np.minimum(at_risk, longest))
    first = np.concatenate([[0], np.cumsum(np.minimum(at_risk, longest))])[:-1]
    month = np.arange(len(rows)) - first[rows] + 1
    return PersonPeriods(rows, month, month == exit_month[rows], np.ones(len(rows)))


def inputs_of(
    signals: Matrix,
    clocks: NDArray[np.float64],
    landmark_row: NDArray[np.int64],
    month: NDArray[np.int64],
) -> Matrix:
    """Return the hazard's inputs: signals at the landmark and what is known of the month ahead.

    Parameters
    ----------
    signals : (n_landmark_rows, n_signals)
    clocks : (n_landmark_rows, 4)
        The CLOCK_SIGNALS, in that order.
    landmark_row, month : (n_periods,)
    """
    of_period = clocks[landmark_row]
    due = is_renewal_due(of_period, month)
    known = np.column_stack([month, of_period[:, 0] + month, due, month - of_period[:, 3]])
    return np.hstack([signals[landmark_row], known.astype(np.float32)])


def is_renewal_due(clocks: NDArray[np.float64], month: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark months ahead into which a renewal falls; `clocks` (n, 4) are the CLOCK_SIGNALS."""
    _, term, renewal, _ = clocks.T
    is_on_the_day = np.mod(month - renewal, np.maximum(term, 1)) == 0
    due: NDArray[np.bool_] = (term > 0) & is_on_the_day & (month >= renewal)
    return due


def clock_columns(names: Sequence[str]) -> list[int]:
    """Return where the CLOCK_SIGNALS stand among the signals' names."""
    return [names.index(name) for name in CLOCK_SIGNALS]
