"""What money of a later month is worth at as_of.

Rates are annual and effective. Month k is paid in its middle, (k - 0.5) / 12 years ahead.
"""

import math

import numpy as np

from valuation.arrays import FloatArray


def monthly_discount_rate(annual_discount_rate: float) -> float:
    """Return the monthly rate that compounds to the annual one: (1 + r)^(1/12) - 1.

    Parameters
    ----------
    annual_discount_rate : float
        Effective annual rate r, above -1; 0.10 is ten percent.

    Returns
    -------
    float
        Effective monthly rate, above -1.

    Raises
    ------
    ValueError
        If the rate is -1 or less, or not finite.

    Notes
    -----
    Brealey, Myers and Allen, "Principles of Corporate Finance", on effective annual rates.

    Examples
    --------
    >>> round(monthly_discount_rate(0.12), 9)
    0.009488793
    """
    _require_rate(annual_discount_rate)
    return math.expm1(math.log1p(annual_discount_rate) / 12)


def discount_factors(n_months: int, annual_discount_rate: float) -> FloatArray:
    """Return d(k) = (1 + r)^(-(k - 0.5) / 12) for k = 1..n_months, mid-month convention.

    Parameters
    ----------
    n_months : int
        Months to discount, at least 1.
    annual_discount_rate : float
        Effective annual rate r, above -1; 0 leaves every month at 1.

    Returns
    -------
    (n_months,)
        Present value at as_of of one unit of money earned evenly through month k, positive.

    Raises
    ------
    ValueError
        If `n_months` is below 1, or the rate is -1 or less or not finite.

    Notes
    -----
    Discounting of expected margins after Berger and Nasr (1998), "Customer lifetime value:
    marketing models and applications"; the middle of the month stands for even payment.

    Examples
    --------
    >>> discount_factors(3, annual_discount_rate=0.10).round(6)
    array([0.996037, 0.988157, 0.98034 ])
    """
    _require_rate(annual_discount_rate)
    if n_months < 1:
        raise ValueError(f"n_months is {n_months}; give at least 1.")
    years_ahead = (np.arange(1, n_months + 1) - 0.5) / 12
    return np.asarray((1.0 + annual_discount_rate) ** -years_ahead, dtype=np.float64)


def _require_rate(annual_discount_rate: float) -> None:
    if not -1.0 < annual_discount_rate < math.inf:
        raise ValueError(
            f"annual_discount_rate is {annual_discount_rate}; give a finite rate above -1."
        )
