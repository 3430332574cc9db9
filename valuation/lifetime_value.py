"""CLV: the present value at as_of of the margin a customer is expected to bring.

Past spend and acquisition cost are not part of it. Margins may be negative, and so may CLV.
"""

import numpy as np

from valuation.arrays import (
    FloatArray,
    finite_matrix,
    finite_vector,
    require_equal_shapes,
    weighted_row_sums,
)
from valuation.discounting import discount_factors
from valuation.survival import (
    activity_in_month,
    checked_survival,
    leaving_probability,
    survival_if_kept,
)


def expected_margin(margin_if_active: FloatArray, survival: FloatArray) -> FloatArray:
    """Weight the margin of month k by activity: m(k) (S(k-1) + S(k)) / 2.

    Parameters
    ----------
    margin_if_active : (n_customers, horizon_months)
        m(k), contribution margin of a full month k as a customer, in major units; may be negative.
    survival : (n_customers, horizon_months)
        S(k) at the end of month k, in [0, 1], never rising.

    Returns
    -------
    (n_customers, horizon_months)
        Expected margin of month k, undiscounted, in major units.

    Raises
    ------
    ValueError
        If the shapes differ, a value is not finite, or survival is not a survival curve.

    Examples
    --------
    >>> expected_margin(np.array([[10.0, 20.0]]), np.array([[0.5, 0.25]]))
    array([[7.5, 7.5]])
    """
    margin, curve = _checked_pair(margin_if_active, survival)
    return margin * activity_in_month(curve)


def clv(expected_margin: FloatArray, annual_discount_rate: float) -> FloatArray:
    """Sum discounted expected margins: CLV = sum over k of m(k) (1 + r)^(-(k - 0.5) / 12).

    Parameters
    ----------
    expected_margin : (n_customers, horizon_months)
        Expected contribution margin of month k, already weighted by activity, in major units.
    annual_discount_rate : float
        Effective annual rate r, above -1.

    Returns
    -------
    (n_customers,)
        CLV in major units, signed. A customer's value does not depend on who else is valued
        in the same call, to the last bit.

    Raises
    ------
    ValueError
        If a margin is NaN or infinite (the first row is named), or the rate is -1 or less.

    Notes
    -----
    Gupta, Lehmann and Stuart (2004), "Valuing customers", equation 1, without acquisition
    cost, over a finite horizon and with payment in the middle of the month.

    Examples
    --------
    >>> clv(np.array([[7.5, 7.5], [-1.0, -1.0]]), annual_discount_rate=0.0)
    array([15., -2.])
    >>> clv(np.array([[100.0, 100.0]]), annual_discount_rate=0.10).round(2)
    array([198.42])
    """
    return _present_value(finite_matrix("expected_margin", expected_margin), annual_discount_rate)


def clv_beyond(
    expected_margin: FloatArray, annual_discount_rate: float, last_backtested_month: int
) -> FloatArray:
    """Return the part of CLV from months after `last_backtested_month`, which no backtest saw.

    Parameters
    ----------
    expected_margin : (n_customers, horizon_months)
        Expected contribution margin of month k, in major units.
    annual_discount_rate : float
        Effective annual rate, above -1.
    last_backtested_month : int
        0 or more; 0 means that all of CLV is untested.

    Returns
    -------
    (n_customers,)
        Major units, signed; 0 when the horizon ends by then.

    Raises
    ------
    ValueError
        If the month is negative, a margin is not finite, or the rate is -1 or less.

    Examples
    --------
    >>> clv_beyond(np.array([[5.0, 3.0, 2.0]]), 0.0, last_backtested_month=1)
    array([5.])
    """
    if last_backtested_month < 0:
        raise ValueError(f"last_backtested_month is {last_backtested_month}; give 0 or more.")
    untested = finite_matrix("expected_margin", expected_margin).copy()
    untested[:, :last_backtested_month] = 0.0
    return _present_value(untested, annual_discount_rate)


def value_at_stake(
    margin_if_active: FloatArray, survival: FloatArray, annual_discount_rate: float, months: int = 3
) -> FloatArray:
    """Return what CLV would gain if the customer could not leave for `months` months.

    The hazards of months 1..`months` become 0 and later ones stay, so survival is 1 there and
    S(k) / S(months) after. The result is the CLV of that curve less the CLV as it stands.

    Parameters
    ----------
    margin_if_active : (n_customers, horizon_months)
        Margin of a full month as a customer, in major units; may be negative.
    survival : (n_customers, horizon_months)
        S(k) at the end of month k, in [0, 1], never rising. Where S(months) = 0, the customer
        counts as leaving in the month after.
    annual_discount_rate : float
        Effective annual rate, above -1.
    months : int
        0 or more; beyond the horizon, the whole of it is kept.

    Returns
    -------
    (n_customers,)
        Major units, signed: negative where keeping the customer costs money.

    Raises
    ------
    ValueError
        If the shapes differ, a value is not finite, survival is not a survival curve,
        `months` is negative, or the rate is -1 or less.

    Examples
    --------
    >>> value_at_stake(np.array([[10.0, 10.0]]), np.array([[0.5, 0.25]]), 0.0, months=1)
    array([6.25])
    """
    margin, curve = _checked_pair(margin_if_active, survival)
    gained = activity_in_month(survival_if_kept(curve, months)) - activity_in_month(curve)
    return _present_value(margin * gained, annual_discount_rate)


def clv_quantiles(
    margin_if_active: FloatArray,
    survival: FloatArray,
    annual_discount_rate: float,
    quantiles: FloatArray,
) -> FloatArray:
    """Return exact quantiles of the discounted margin when only the moment of leaving is random.

    The margin along the way is taken as given, so these are narrower than a prediction
    interval. Leaving in month k has probability S(k-1) - S(k) and pays
    months 1..k-1 in full and half of month k; staying through the horizon pays all. Lower
    quantiles: inf {v: F(v) >= q}.

    Parameters
    ----------
    margin_if_active : (n_customers, horizon_months)
        Margin of a full month as a customer, in major units; may be negative.
    survival : (n_customers, horizon_months)
        S(k) at the end of month k, in [0, 1], never rising.
    annual_discount_rate : float
        Effective annual rate, above -1.
    quantiles : (n_quantiles,)
        Each in (0, 1], in any order.

    Returns
    -------
    (n_customers, n_quantiles)
        Major units, in the order of `quantiles`.

    Raises
    ------
    ValueError
        If a quantile lies outside (0, 1], the shapes differ, a value is not finite, survival is
        not a survival curve, or the rate is -1 or less.

    Notes
    -----
    Hyndman and Fan (1996), "Sample quantiles in statistical packages", definition 1, with
    weights. F within one part in 10^12 of q counts as reaching it, since sums are rounded.

    Examples
    --------
    >>> clv_quantiles(np.array([[10.0]]), np.array([[0.8]]), 0.0, np.array([0.2, 0.5]))
    array([[ 5., 10.]])
    """
    levels = _checked_quantiles(quantiles)
    margin, curve = _checked_pair(margin_if_active, survival)
    values = value_by_month_of_leaving(margin, annual_discount_rate)
    probabilities = np.hstack([leaving_probability(curve), curve[:, -1:]])
    order = np.argsort(values, axis=1, kind="stable")
    ascending = np.take_along_axis(values, order, axis=1)
    reached = np.cumsum(np.take_along_axis(probabilities, order, axis=1), axis=1)
    columns = [_first_reaching(ascending, reached, level) for level in levels]
    return np.stack(columns, axis=1) if columns else np.empty((len(values), 0))


def value_by_month_of_leaving(margin: FloatArray, annual_discount_rate: float) -> FloatArray:
    """Return the discounted margin if a customer leaves in month 1, 2, ..., or stays.

    Parameters
    ----------
    margin : (n_customers, horizon_months)
        Margin of a full month as a customer, in major units. Leaving in month k pays months
        1..k-1 in full and half of month k.
    annual_discount_rate : float
        Effective annual rate, above -1.

    Returns
    -------
    (n_customers, horizon_months + 1)
        Major units; the last column is staying through the horizon.
    """
    discounted = margin * discount_factors(margin.shape[1], annual_discount_rate)
    paid_in_full = np.cumsum(discounted, axis=1)
    return np.hstack([paid_in_full - discounted / 2, paid_in_full[:, -1:]])


def _first_reaching(ascending: FloatArray, reached: FloatArray, level: float) -> FloatArray:
    position = (reached >= level * (1 - 1e-12)).argmax(axis=1)
    return np.take_along_axis(ascending, position[:, None], axis=1)[:, 0]


def _checked_quantiles(quantiles: FloatArray) -> FloatArray:
    levels = finite_vector("quantiles", quantiles)
    wrong = levels[(levels <= 0) | (levels > 1)]
    if len(wrong):
        raise ValueError(f"quantiles holds {wrong[0]}; give values above 0 and up to 1.")
    return levels


def _checked_pair(
    margin_if_active: FloatArray, survival: FloatArray
) -> tuple[FloatArray, FloatArray]:
    curve = checked_survival(survival)
    margin = finite_matrix("margin_if_active", margin_if_active)
    require_equal_shapes(survival=curve, margin_if_active=margin)
    return margin, curve


def _present_value(margin: FloatArray, annual_discount_rate: float) -> FloatArray:
    factors = discount_factors(margin.shape[1], annual_discount_rate)
    return weighted_row_sums(margin, factors)
