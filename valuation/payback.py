"""Payback: the month in which the money spent on a customer has come back, undiscounted.

A cost counts as covered when no more than a billionth of it is missing, since ten times 0.10
is a little less than 1 in floating point.
"""

import numpy as np
from numpy.typing import NDArray

from valuation.arrays import (
    FloatArray,
    finite_matrix,
    matrix_with_gaps,
    require_at_least_zero,
    require_equal_rows,
    vector_with_gaps,
)


def payback_month(
    realised_margin: FloatArray,
    acquisition_cost: FloatArray,
    expected_margin: FloatArray,
    months_since_acquired: NDArray[np.int64],
) -> FloatArray:
    """Return the first month since `acquired_at` in which the margin covers the acquisition cost.

    First what was realised up to as_of, then what is expected on top of it. An early month
    that covers the cost counts even if a later one falls short again.

    Parameters
    ----------
    realised_margin : (n_customers, most_months)
        Cumulative margin in major units, as realised by the end of month 1, 2, ... since
        `acquired_at`. A row is read up to its `months_since_acquired`; the rest is padding.
        `most_months` may be 0. NaN in a month that is read: not known (acquired before
        `observed_from`, say), and then the answer is NaN.
    acquisition_cost : (n_customers,)
        Major units, zero or more; NaN where it is not known.
    expected_margin : (n_customers, horizon_months)
        Expected margin of months 1.. after as_of, weighted by activity, not cumulative.
    months_since_acquired : (n_customers,) of int
        Months begun between `acquired_at` and as_of, zero or more. The last may be unfinished:
        its realised margin then runs up to as_of, and a month after as_of is counted as the
        month since `acquired_at` in which it ends.

    Returns
    -------
    (n_customers,)
        Months since `acquired_at` as whole numbers; 0 where there was no cost; NaN where the
        cost is not covered within the horizon or something needed is not known.

    Raises
    ------
    ValueError
        If the numbers of customers differ, a cost or a number of months is negative, a row
        should be read beyond its columns, or an expected margin is not finite.

    Notes
    -----
    Gupta and Lehmann (2005), "Managing Customers as Investments", on the breakeven time.

    Examples
    --------
    Two customers cost 50. One brought 60 in two months; the other 30, and 10 a month to come.

    >>> realised = np.array([[20.0, 60.0], [30.0, np.nan]])
    >>> expected = np.array([[10.0, 10.0, 10.0], [10.0, 10.0, 10.0]])
    >>> payback_month(realised, np.array([50.0, 50.0]), expected, np.array([2, 1]))
    array([2., 3.])
    """
    realised = matrix_with_gaps("realised_margin", realised_margin)
    cost = vector_with_gaps("acquisition_cost", acquisition_cost)
    expected = finite_matrix("expected_margin", expected_margin)
    elapsed = _checked_elapsed(months_since_acquired, realised.shape[1])
    require_equal_rows(
        acquisition_cost=cost, realised_margin=realised, expected_margin=expected, months=elapsed
    )
    require_at_least_zero("acquisition_cost", cost)
    is_read = np.arange(realised.shape[1]) < elapsed[:, None]
    until_now = _first_covered_month(np.where(is_read, realised, np.nan), cost)
    to_come = elapsed + _first_covered_month(
        _margin_so_far(realised, elapsed)[:, None] + np.cumsum(expected, axis=1), cost
    )
    is_known = ~(is_read & np.isnan(realised)).any(axis=1) & ~np.isnan(cost)
    month = np.where(np.isnan(until_now), to_come, until_now)
    return np.where(cost == 0, 0.0, np.where(is_known, month, np.nan))


def _first_covered_month(cumulative: FloatArray, cost: FloatArray) -> FloatArray:
    """Return 1 for the first column that covers the cost; NaN if none does (or it is NaN)."""
    is_covered = cumulative >= (cost * (1 - 1e-9))[:, None]
    months = np.arange(1.0, cumulative.shape[1] + 1)
    first = np.where(is_covered, months, np.inf).min(axis=1, initial=np.inf)
    return np.where(np.isinf(first), np.nan, first)


def _margin_so_far(realised: FloatArray, elapsed: NDArray[np.int64]) -> FloatArray:
    """Return the last realised value that is read in each row; 0 before the first month."""
    from_nothing = np.hstack([np.zeros((len(realised), 1)), realised])
    return np.take_along_axis(from_nothing, elapsed[:, None], axis=1)[:, 0]


def _checked_elapsed(months: NDArray[np.int64], most_months: int) -> NDArray[np.int64]:
    elapsed = np.asarray(months)
    if elapsed.ndim != 1 or not (elapsed.dtype.kind in "iu" or elapsed.size == 0):
        raise ValueError(
            f"months_since_acquired has shape {elapsed.shape} and type {elapsed.dtype}; "
            "give (n_customers,) of whole numbers."
        )
    wrong = np.flatnonzero((elapsed < 0) | (elapsed > most_months))
    if len(wrong):
        raise ValueError(
            f"months_since_acquired is {elapsed[wrong[0]]} in row {wrong[0]}; "
            f"give 0 to {most_months}, the columns of realised_margin."
        )
    return elapsed.astype(np.int64)
