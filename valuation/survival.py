"""Hazard, survival and activity: how long a customer is expected to stay.

A curve has shape (n_customers, horizon_months). S(k) is the probability of still being a
customer at the end of month k, so S(0) = 1 is implied and not stored.
"""

import numpy as np

from valuation.arrays import FloatArray, finite_matrix, require_within


def survival_from_hazard(hazard: FloatArray) -> FloatArray:
    """Chain monthly hazards into survival: S(k) = (1 - h(1)) ... (1 - h(k)).

    Parameters
    ----------
    hazard : (n_customers, horizon_months)
        h(k) = P(leaving in month k given a customer at its start), in [0, 1].

    Returns
    -------
    (n_customers, horizon_months)
        S(k) at the end of month k, in [0, 1], never rising, never NaN.

    Raises
    ------
    ValueError
        If a hazard is not finite or lies outside [0, 1].

    Notes
    -----
    Singer and Willett (1993), "It's about time: using discrete-time survival analysis to
    study duration and the timing of events".

    Examples
    --------
    >>> survival_from_hazard(np.array([[0.5, 0.5, 0.0]]))
    array([[0.5 , 0.25, 0.25]])
    """
    checked = finite_matrix("hazard", hazard)
    require_within("hazard", checked, 0.0, 1.0)
    return np.cumprod(1.0 - checked, axis=1, dtype=np.float64)


def hazard_from_survival(survival: FloatArray) -> FloatArray:
    """Recover monthly hazards: h(k) = (S(k-1) - S(k)) / S(k-1), the inverse of the chain.

    Parameters
    ----------
    survival : (n_customers, horizon_months)
        S(k) at the end of month k, in [0, 1], never rising.

    Returns
    -------
    (n_customers, horizon_months)
        h(k) in [0, 1]. Where S(k-1) = 0 nobody is left to be at risk, and h(k) is set to 1.

    Raises
    ------
    ValueError
        If survival is not finite, lies outside [0, 1] or rises.

    Examples
    --------
    >>> hazard_from_survival(np.array([[0.5, 0.25, 0.25]]))
    array([[0.5, 0.5, 0. ]])
    """
    checked = checked_survival(survival)
    start = _at_start(checked)
    return np.divide(start - checked, start, out=np.ones_like(start), where=start > 0)


def leaving_probability(survival: FloatArray) -> FloatArray:
    """Return S(k-1) - S(k), the probability, seen from as_of, of leaving in month k.

    Shape (n_customers, horizon_months) in and out; raises as `checked_survival` does.

    Examples
    --------
    >>> leaving_probability(np.array([[0.5, 0.25]]))
    array([[0.5 , 0.25]])
    """
    checked = checked_survival(survival)
    return _at_start(checked) - checked


def activity_in_month(survival: FloatArray) -> FloatArray:
    """Return the expected share of month k spent as a customer: (S(k-1) + S(k)) / 2.

    Whoever leaves in a month is taken to leave in its middle, on average.

    Parameters
    ----------
    survival : (n_customers, horizon_months)
        S(k) at the end of month k, in [0, 1], never rising.

    Returns
    -------
    (n_customers, horizon_months)
        Activity in [0, 1]; its first month is (1 + S(1)) / 2.

    Raises
    ------
    ValueError
        If survival is not finite, lies outside [0, 1] or rises.

    Examples
    --------
    >>> activity_in_month(np.array([[0.5, 0.25]]))
    array([[0.75 , 0.375]])
    """
    checked = checked_survival(survival)
    return (_at_start(checked) + checked) / 2


def churn_probability(survival: FloatArray, months: int) -> FloatArray:
    """Return the probability of leaving within the first `months` months: 1 - S(months).

    Parameters
    ----------
    survival : (n_customers, horizon_months)
        S(k) at the end of month k, in [0, 1], never rising.
    months : int
        From 1 to horizon_months.

    Returns
    -------
    (n_customers,)
        Probabilities in [0, 1].

    Raises
    ------
    ValueError
        If `months` lies outside the horizon, or survival is not a survival curve.

    Examples
    --------
    >>> churn_probability(np.array([[0.5, 0.25]]), months=2)
    array([0.75])
    """
    checked = checked_survival(survival)
    if not 1 <= months <= checked.shape[1]:
        raise ValueError(f"months is {months}; give 1 to {checked.shape[1]}, the horizon.")
    return np.asarray(1.0 - checked[:, months - 1])


def survival_if_kept(survival: FloatArray, months: int) -> FloatArray:
    """Return survival if nobody could leave in the first `months`: 1 there, S(k)/S(months) after.

    Hazards after those months stay as they were. Where S(months) = 0 later hazards are not
    known; they count as 1, so that the customer leaves in the month after.

    Parameters
    ----------
    survival : (n_customers, horizon_months)
        S(k) at the end of month k, in [0, 1], never rising.
    months : int
        0 or more; beyond the horizon, the whole of it is kept.

    Returns
    -------
    (n_customers, horizon_months)
        A survival curve nowhere below the one given.

    Raises
    ------
    ValueError
        If `months` is negative, or survival is not a survival curve.

    Examples
    --------
    >>> survival_if_kept(np.array([[0.5, 0.25, 0.125]]), months=1)
    array([[1.  , 0.5 , 0.25]])
    """
    checked = checked_survival(survival)
    if months < 0:
        raise ValueError(f"months is {months}; give 0 or more.")
    kept = min(months, checked.shape[1])
    anchor = np.ones((len(checked), 1)) if kept == 0 else checked[:, kept - 1 : kept]
    conditional = np.divide(checked, anchor, out=np.zeros_like(checked), where=anchor > 0)
    conditional[:, :kept] = 1.0
    return conditional


def checked_survival(survival: FloatArray) -> FloatArray:
    """Return `survival`, (n_customers, horizon_months), as float64 if every row is such a curve.

    Raises
    ------
    ValueError
        If a value is not finite or lies outside [0, 1], or a row rises; the first is named.
    """
    checked = finite_matrix("survival", survival)
    require_within("survival", checked, 0.0, 1.0)
    rises = checked[:, 1:] > checked[:, :-1]
    if rises.any():
        row, month = np.argwhere(rises)[0].tolist()
        before, after = checked[row, month : month + 2].tolist()
        raise ValueError(
            f"survival rises from {before} to {after} in row {row}, month {month + 2}; "
            "give curves that never rise."
        )
    return checked


def _at_start(checked: FloatArray) -> FloatArray:
    start = np.ones_like(checked)
    start[:, 1:] = checked[:, :-1]
    return start
