"""The formulas people use today, as people use them: what every backtest must beat.

None is an estimate of ours, and nothing else in this package leans on them. Each docstring says
why the formula misleads. All three of practice leave money of later years undiscounted.
"""

import numpy as np

from valuation.arrays import FloatArray, finite_vector


def value_times_months(monthly_value: FloatArray, months: float) -> FloatArray:
    """Return monthly value x months, the value of a customer who never leaves and never changes.

    It misleads because nobody can leave: it overstates most those closest to leaving, the
    very customers a campaign is after, and ranks a loyal customer below a leaver who pays more.

    Parameters
    ----------
    monthly_value : (n_customers,)
        Revenue or margin of a month, in major units; may be negative.
    months : float
        Months taken as certain, zero or more.

    Returns
    -------
    (n_customers,)
        Major units.

    Raises
    ------
    ValueError
        If a value is not finite, or `months` is negative or not finite.

    Examples
    --------
    >>> value_times_months(np.array([20.0]), months=36)
    array([720.])
    """
    value = finite_vector("monthly_value", monthly_value)
    if not 0 <= months < np.inf:
        raise ValueError(f"months is {months}; give zero or more.")
    return value * months


def basket_times_frequency_times_lifetime(
    basket: FloatArray, purchases_per_month: FloatArray, lifetime_months: FloatArray | float
) -> FloatArray:
    """Return basket x purchases per month x lifetime in months.

    It misleads because the lifetime is an average over everybody, past customers among them:
    one who has not come for a year is credited with the lifetime of one who came yesterday.
    Baskets and rates from few purchases are also taken at face value.

    Parameters
    ----------
    basket : (n_customers,)
        Mean revenue or margin of a purchase, in major units.
    purchases_per_month : (n_customers,)
        Purchases in a month, on average.
    lifetime_months : float or (n_customers,)
        Lifetime assumed, in months; people use one number for all.

    Returns
    -------
    (n_customers,)
        Major units.

    Raises
    ------
    ValueError
        If the lengths differ or a value is not finite.

    Examples
    --------
    >>> basket_times_frequency_times_lifetime(np.array([25.0]), np.array([2.0]), 24.0)
    array([1200.])
    """
    worth = finite_vector("basket", basket)
    rate = _for_each("purchases_per_month", purchases_per_month, worth)
    return worth * rate * _for_each("lifetime_months", lifetime_months, worth)


def margin_over_churn(monthly_margin: FloatArray, monthly_churn: FloatArray | float) -> FloatArray:
    """Return monthly margin / monthly churn, an endless undiscounted sum at one churn rate.

    It is the sum over t = 0, 1, ... of m (1 - c)^t: the coming month is paid in full. It
    misleads because one rate stands for all, although those who remain are ever more loyal
    (Fader and Hardie 2010), and because a churn near zero makes any customer priceless.
    Nothing is capped: people do not, and a cap would hide it.

    Parameters
    ----------
    monthly_margin : (n_customers,)
        Contribution margin of a month, in major units; may be negative.
    monthly_churn : float or (n_customers,)
        Churn probability of a month, in (0, 1]; people use one number for all.

    Returns
    -------
    (n_customers,)
        Major units.

    Raises
    ------
    ValueError
        If the lengths differ, a value is not finite, or churn is 0 or less or above 1. At zero
        churn the formula has no value, and infinity would spoil every sum it enters.

    Notes
    -----
    Fader and Hardie (2010), "Customer-base valuation in a contractual setting: the perils of
    ignoring heterogeneity".

    Examples
    --------
    >>> margin_over_churn(np.array([10.0, -2.0]), 0.05)
    array([200., -40.])
    """
    margin = finite_vector("monthly_margin", monthly_margin)
    churn = _for_each("monthly_churn", monthly_churn, margin)
    wrong = np.flatnonzero((churn <= 0) | (churn > 1))
    if len(wrong):
        raise ValueError(
            f"monthly_churn is {churn[wrong[0]]} in row {wrong[0]}; give above 0 and up to 1."
        )
    return margin / churn


def _for_each(name: str, values: FloatArray | float, customers: FloatArray) -> FloatArray:
    """Return one value a customer; a single number stands for all."""
    array = np.asarray(values, dtype=np.float64)
    spread = np.full(len(customers), float(array)) if array.ndim == 0 else array
    checked = finite_vector(name, spread)
    if len(checked) != len(customers):
        raise ValueError(
            f"{name} has {len(checked)} customers; give {len(customers)}, or one number for all."
        )
    return checked
