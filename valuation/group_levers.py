"""The effect on value by lever: how much by staying longer, how much by more value a month."""

from typing import NamedTuple

import numpy as np

from valuation.arrays import FloatArray, finite_matrix, require_equal_shapes
from valuation.effects import LEVEL, Arms, difference_of_means, difference_with_covariates
from valuation.levers import lever_split


class GroupCurves(NamedTuple):
    """Hold a group's customers: activity and margin of each month, (n_customers, n_months) each.

    `margin` is in major units and counts what an inactive month brings or costs, too.
    """

    activity: FloatArray
    margin: FloatArray


class LeverEffect(NamedTuple):
    """Hold the effect of a lever a customer, with its interval, in major units."""

    effect: float
    low: float
    high: float


def levers_between_groups(
    treated: GroupCurves,
    control: GroupCurves,
    discount: FloatArray,
    known_before: Arms | None = None,
    level: float = LEVEL,
) -> tuple[LeverEffect, LeverEffect]:
    """Split the difference of two groups' mean value into time and value.

    With A the mean activity of a group in month k, M its mean margin, m = M / A (0 where nobody is
    active) and d discount factors::

        time  = sum over k of d (A1 - A0) (m0 + m1) / 2
        value = sum over k of d (M1 - M0) - time

    which is `lever_split` of the means. Intervals are Welch's of each customer's part in time and
    value, which are smooth in the means: to first order a customer with activity a and margin b
    adds (time by A) a + (time by M) b to time, with derivatives, for the treated::

        time by A1 = d ((m0 + m1) / 2 - (A1 - A0) m1 / (2 A1)),   time by M1 = d (A1 - A0) / (2 A1)

    and those of the control alike. With `known_before` the parts are adjusted as outcomes are by
    `difference_with_covariates`, and add up to the adjusted difference: both are linear in them.

    Parameters
    ----------
    discount : (n_months,)
        Discount factors.
    known_before : Arms, optional
        Covariates known before assignment.

    Returns
    -------
    tuple of LeverEffect
        Time and value.

    Raises
    ------
    ValueError
        If shapes differ, a group is empty, or a value is not finite.

    Notes
    -----
    Kitagawa (1955) for the split; the delta method for its interval (Deng, Knoblich and Lu 2018,
    "Applying the delta method in metric analytics").

    Examples
    --------
    Twice as many stay, at the same margin: it is all time.

    >>> longer = GroupCurves(np.array([[1.0], [1.0]]), np.array([[10.0], [10.0]]))
    >>> shorter = GroupCurves(np.array([[1.0], [0.0]]), np.array([[10.0], [0.0]]))
    >>> time, value = levers_between_groups(longer, shorter, np.array([1.0]))
    >>> time.effect, value.effect
    (5.0, 0.0)
    """
    known1, known0 = _checked("treated", treated), _checked("control", control)
    mean1, mean0 = _mean(known1), _mean(known0)
    split = lever_split(mean0.activity, _unit(mean0), mean1.activity, _unit(mean1), discount)
    time = Arms(
        _part_in_time(known1, mean1, mean0, discount, 1.0),
        _part_in_time(known0, mean0, mean1, discount, -1.0),
    )
    value = Arms(known1.margin @ discount - time.treated, -known0.margin @ discount - time.control)
    return (
        _lever(float(split.time[0]), time, known_before, level),
        _lever(float(split.value[0]), value, known_before, level),
    )


def _checked(name: str, group: GroupCurves) -> GroupCurves:
    activity = finite_matrix(f"{name}.activity", group.activity)
    margin = finite_matrix(f"{name}.margin", group.margin)
    require_equal_shapes(activity=activity, margin=margin)
    if not len(activity):
        raise ValueError(f"{name} has no customers; an effect needs both groups.")
    return GroupCurves(activity, margin)


def _mean(group: GroupCurves) -> GroupCurves:
    return GroupCurves(
        group.activity.mean(axis=0, keepdims=True), group.margin.mean(axis=0, keepdims=True)
    )


def _unit(mean: GroupCurves) -> FloatArray:
    """Return the margin of a unit of activity, shape (1, n_months)."""
    return _ratio(mean.margin, mean.activity)


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _part_in_time(
    group: GroupCurves, own: GroupCurves, other: GroupCurves, discount: FloatArray, sign: float
) -> FloatArray:
    """Return each customer's first-order part in time; `sign` is -1 for the control."""
    more = own.activity - other.activity
    half_share = sign * _ratio(more, own.activity) / 2
    by_activity = sign * (_unit(own) + _unit(other)) / 2 - half_share * _unit(own)
    part = group.activity * by_activity + group.margin * half_share
    return np.asarray(part @ discount)


def _lever(effect: float, parts: Arms, known_before: Arms | None, level: float) -> LeverEffect:
    """Return the lever as its parts spread around it, moved and narrowed by what was known."""
    signed = Arms(parts.treated, -parts.control)
    found = plain = difference_of_means(signed, level)
    if known_before is not None:
        found = difference_with_covariates(signed, known_before, level)
    moved = effect + found.effect - plain.effect
    reach = found.high - found.effect
    return LeverEffect(moved, moved - reach, moved + reach)
