"""Customer equity: CLV added up over a portfolio, by group, and how concentrated it is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from valuation.arrays import FloatArray, finite_vector


@dataclass(frozen=True)
class GroupEquity:
    """State what the customers of one group are worth together, in major units."""

    group: str
    n_customers: int
    customer_equity: float
    mean_clv: float


def customer_equity(clv: FloatArray) -> float:
    """Add up CLV over the portfolio, exactly, so that the order of customers does not matter.

    Parameters
    ----------
    clv : (n_customers,)
        CLV in major units, signed; loss-makers count against the others.

    Returns
    -------
    float
        Customer equity in major units; 0 for no customers.

    Raises
    ------
    ValueError
        If a value is not finite; the first row is named.

    Notes
    -----
    Gupta, Lehmann and Stuart (2004), "Valuing customers": the value of the present customers.
    The sum is rounded once, after Shewchuk (1997).

    Examples
    --------
    >>> customer_equity(np.array([120.5, -20.5, 50.0]))
    150.0
    """
    return math.fsum(finite_vector("clv", clv))


def equity_by_group(clv: FloatArray, groups: Sequence[str]) -> tuple[GroupEquity, ...]:
    """Return the equity of each group, sorted by the group's name.

    Parameters
    ----------
    clv : (n_customers,)
        CLV in major units, signed.
    groups : sequence of str, n_customers long
        The group of each customer: a channel, a segment, a cohort as "2024-03".

    Returns
    -------
    tuple of GroupEquity
        One row a group; the rows add up to the portfolio, to rounding.

    Raises
    ------
    ValueError
        If there are not as many groups as values, or a value is not finite.
    TypeError
        If a group is not text: a missing one needs a name of its own.

    Examples
    --------
    >>> for row in equity_by_group(np.array([3.0, -1.0, 4.0]), ["web", "shop", "web"]):
    ...     print(row.group, row.n_customers, row.customer_equity, row.mean_clv)
    shop 1 -1.0 -1.0
    web 2 7.0 3.5
    """
    values = finite_vector("clv", clv)
    members = _rows_by_group(groups, len(values))
    return tuple(_equity_of(group, values[members[group]]) for group in sorted(members))


def share_of_top(clv: FloatArray, share: float) -> float:
    """Return the share of all positive value that the most valuable `share` of customers holds.

    Loss-makers count among the customers but not in the value, so the answer stays in [0, 1].

    Parameters
    ----------
    clv : (n_customers,)
        CLV in major units, signed.
    share : float
        Share of customers, in (0, 1]; a part of a customer counts as a whole one.

    Returns
    -------
    float
        In [0, 1]; NaN when nobody has a positive value.

    Raises
    ------
    ValueError
        If `share` lies outside (0, 1], or a value is not finite.

    Examples
    --------
    >>> share_of_top(np.array([60.0, 30.0, 10.0, -50.0]), share=0.25)
    0.6
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; give a share above 0 and up to 1.")
    positive = np.sort(np.maximum(finite_vector("clv", clv), 0.0))[::-1]
    total = math.fsum(positive)
    # 0.07 of 100 customers is 7.000000000000001 in floating point, and still seven.
    n_top = math.ceil(share * len(positive) - 1e-9)
    return math.fsum(positive[:n_top]) / total if total > 0 else math.nan


def _rows_by_group(groups: Sequence[str], n_customers: int) -> dict[str, list[int]]:
    if len(groups) != n_customers:
        raise ValueError(
            f"clv has {n_customers} customers and groups {len(groups)}; "
            "give one group for each customer."
        )
    rows: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        if not isinstance(group, str):
            raise TypeError(f"groups is {group!r} in row {row}; give text, such as 'unknown'.")
        rows.setdefault(str(group), []).append(row)
    return rows


def _equity_of(group: str, clv: FloatArray) -> GroupEquity:
    total = math.fsum(clv)
    return GroupEquity(group, len(clv), total, total / len(clv))
