"""What there is to win by keeping a leaver, and to lose where a contact drives a stayer away."""

import numpy as np

from valuation.arrays import FloatArray, finite_matrix, require_equal_shapes
from valuation.discounting import discount_factors
from valuation.lifetime_value import clv
from valuation.survival import (
    activity_in_month,
    hazard_from_survival,
    leaving_probability,
    survival_if_kept,
)


def value_of_saving(
    margin_if_active: FloatArray,
    survival: FloatArray,
    annual_discount_rate: float,
    hazard_ratio: float = 1.0,
    window_months: int = 3,
) -> FloatArray:
    """Return what a customer who would leave within the window brings from then on if saved.

    A leaver of month k pays half of month k anyway. Saved, the other half comes too, and the
    customer goes on at the hazard h'(j) = min(1, q h(j)) of later months j. With margin m(j) and
    discount factor d(j) = (1 + r)^(-(j - .5) / 12), from the end of month k on that is worth::

        T(k) = d(k+1) m(k+1) (1 - h'(k+1) / 2) + (1 - h'(k+1)) T(k+1),    T(horizon) = 0

    and the result is the mean of d(k) m(k) / 2 + T(k) over months k = 1..w, by P(leaves in k).

    Parameters
    ----------
    margin_if_active : (n_customers, horizon_months)
        m(j), margin of a full month as a customer, in major units; may be negative.
    survival : (n_customers, horizon_months)
        S(j) at the end of month j, in [0, 1], never rising.
    annual_discount_rate : float
        Effective annual rate r, above -1.
    hazard_ratio : float
        q, zero or more: a saved leaver's hazard as a multiple of the forecast one. Saved is not
        kept for ever: 0 would say that.
    window_months : int
        w, 1 or more, at most the horizon.

    Returns
    -------
    (n_customers,)
        Major units at as_of, signed. Where nobody is expected to leave in the window, that of
        a leaver of its first month.

    Raises
    ------
    ValueError
        If shapes differ, survival is not a survival curve, or q or w are out of range.

    Notes
    -----
    Neslin, Gupta, Kamakura, Lu and Mason (2006), "Defection detection", take CLV of whoever is
    saved as given; this is that CLV by month of leaving, off the same curve as CLV itself.

    Examples
    --------
    Leaves in month 1 for sure; saved, half of month 1 and all of month 2 come too:

    >>> value_of_saving(np.array([[10.0, 10.0]]), np.array([[0.0, 0.0]]), 0.0,
    ...                 hazard_ratio=0.0, window_months=1)
    array([15.])
    """
    margin = finite_matrix("margin_if_active", margin_if_active)
    leaving = leaving_probability(survival)
    require_equal_shapes(survival=leaving, margin_if_active=margin)
    _require_window(window_months, margin.shape[1])
    if not 0 <= hazard_ratio < np.inf:
        raise ValueError(f"hazard_ratio is {hazard_ratio}; give a finite number, 0 or more.")
    worth = margin * discount_factors(margin.shape[1], annual_discount_rate)
    hazard = np.minimum(1.0, hazard_ratio * hazard_from_survival(survival))
    gained = worth / 2 + _worth_after(worth, hazard)
    weights = leaving[:, :window_months].copy()
    weights[~weights.any(axis=1), 0] = 1.0
    return np.asarray((gained[:, :window_months] * weights).sum(axis=1) / weights.sum(axis=1))


def value_of_staying(
    margin_if_active: FloatArray,
    survival: FloatArray,
    annual_discount_rate: float,
    window_months: int = 3,
) -> FloatArray:
    """Return what is lost where a contact drives away who would have stayed through the window.

    CLV of the curve without exits in months 1..w, less half of month 1, in which a driven-away
    customer leaves. Shapes, units and what is raised as in `value_of_saving`.

    Examples
    --------
    >>> value_of_staying(np.array([[10.0, 10.0]]), np.array([[0.5, 0.25]]), 0.0, window_months=1)
    array([12.5])
    """
    margin = finite_matrix("margin_if_active", margin_if_active)
    _require_window(window_months, margin.shape[1])
    kept = activity_in_month(survival_if_kept(survival, window_months))
    require_equal_shapes(survival=kept, margin_if_active=margin)
    first_month = discount_factors(1, annual_discount_rate)[0] * margin[:, 0]
    return clv(margin * kept, annual_discount_rate) - first_month / 2


def _worth_after(worth: FloatArray, hazard: FloatArray) -> FloatArray:
    """Return T(k) for every month k, shape as given: backwards, as nothing follows the last."""
    after = np.zeros_like(worth)
    for month in range(worth.shape[1] - 2, -1, -1):
        leaves = hazard[:, month + 1]
        next_month = worth[:, month + 1] * (1.0 - leaves / 2)
        after[:, month] = next_month + (1.0 - leaves) * after[:, month + 1]
    return after


def _require_window(window_months: int, horizon_months: int) -> None:
    if not 1 <= window_months <= horizon_months:
        raise ValueError(f"window_months is {window_months}; give 1 to {horizon_months}.")
