"""Levers: how much of a change in CLV comes from staying longer, how much from more value.

Both splits are exact and symmetric: swapping the two scores changes the signs and nothing else.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from valuation.arrays import FloatArray, finite_matrix, require_equal_shapes, weighted_row_sums


class LeverSplit(NamedTuple):
    """Hold a change in CLV by lever, (n_customers,) each, in major units."""

    time: FloatArray
    value: FloatArray


class ShopLeverSplit(NamedTuple):
    """Hold a shop's change in CLV by lever, (n_customers,) each, in major units."""

    time: FloatArray
    frequency: FloatArray
    basket: FloatArray


@dataclass(frozen=True)
class ShopCurves:
    """Hold one score of a shop's customers, (n_customers, horizon_months) each.

    `activity` is P(at least one purchase in month k); `purchases` the purchases of a month
    with any; `margin_per_purchase` is in major units and may be negative.
    """

    activity: FloatArray
    purchases: FloatArray
    margin_per_purchase: FloatArray

    @property
    def margin_if_active(self) -> FloatArray:
        """Margin of a month with a purchase, in major units."""
        return self.purchases * self.margin_per_purchase


def lever_split(
    activity0: FloatArray,
    margin0: FloatArray,
    activity1: FloatArray,
    margin1: FloatArray,
    discount: FloatArray,
) -> LeverSplit:
    """Split the change of CLV from score 0 to score 1 into time and value.

    With A activity, m margin of an active month and d discount factors::

        time  = sum over k of d (A1 - A0) (m0 + m1) / 2
        value = sum over k of d (m1 - m0) (A0 + A1) / 2

    They add up because A1 m1 - A0 m0 = (A1 - A0)(m0 + m1)/2 + (m1 - m0)(A0 + A1)/2.

    Parameters
    ----------
    activity0, activity1 : (n_customers, horizon_months)
        Activity in month k of the two scores (`activity_in_month` of survival), in [0, 1].
    margin0, margin1 : (n_customers, horizon_months)
        Margin of a full active month of the two scores, in major units; may be negative.
    discount : (horizon_months,)
        Discount factors, the same for both scores.

    Returns
    -------
    LeverSplit
        `time` and `value`, (n_customers,) each, signed; their sum is CLV 1 - CLV 0 to rounding.

    Raises
    ------
    ValueError
        If the shapes differ or a value is not finite.

    Notes
    -----
    Kitagawa (1955), "Components of a difference between two rates".

    Examples
    --------
    A downgrade from 20 to 10 a month, after which the customer is likelier to stay:

    >>> split = lever_split(np.array([[0.5]]), np.array([[20.0]]),
    ...                     np.array([[0.9]]), np.array([[10.0]]), np.array([1.0]))
    >>> split.time.round(6), split.value.round(6)
    (array([6.]), array([-7.]))
    """
    old, new = finite_matrix("activity0", activity0), finite_matrix("activity1", activity1)
    old_margin, new_margin = finite_matrix("margin0", margin0), finite_matrix("margin1", margin1)
    require_equal_shapes(activity0=old, margin0=old_margin, activity1=new, margin1=new_margin)
    factors = _checked_discount(discount, old)
    return LeverSplit(
        time=weighted_row_sums((new - old) * (old_margin + new_margin) / 2, factors),
        value=weighted_row_sums((new_margin - old_margin) * (old + new) / 2, factors),
    )


def lever_split_of_shop(
    before: ShopCurves, after: ShopCurves, discount: FloatArray
) -> ShopLeverSplit:
    """Split the change of a shop's CLV into time, frequency and basket.

    First time against value, as `lever_split` does with m = f b; then value by the same
    identity again, f1 b1 - f0 b0 = (f1 - f0)(b0 + b1)/2 + (b1 - b0)(f0 + f1)/2. With A
    activity, f purchases of an active month, b margin per purchase and d discount factors::

        time      = sum over k of d (A1 - A0) (f0 b0 + f1 b1) / 2
        frequency = sum over k of d (A0 + A1) / 2 (f1 - f0) (b0 + b1) / 2
        basket    = sum over k of d (A0 + A1) / 2 (b1 - b0) (f0 + f1) / 2

    Costs of an idle month are no part of A f b: the same in both scores, they leave the
    change as it is.

    Parameters
    ----------
    before, after : ShopCurves
        The two scores, all arrays (n_customers, horizon_months).
    discount : (horizon_months,)
        Discount factors, the same for both scores.

    Returns
    -------
    ShopLeverSplit
        `time`, `frequency` and `basket`, (n_customers,) each, signed; their sum is the change
        of the discounted sum of A f b, to rounding.

    Raises
    ------
    ValueError
        If the shapes differ or a value is not finite.

    Examples
    --------
    >>> one, two, four = np.array([[1.0]]), np.array([[2.0]]), np.array([[4.0]])
    >>> split = lever_split_of_shop(
    ...     ShopCurves(one, two, two), ShopCurves(one, four, two), discount=np.array([1.0]))
    >>> split.time, split.frequency, split.basket
    (array([0.]), array([4.]), array([0.]))
    """
    old, new = _checked_curves("before", before), _checked_curves("after", after)
    require_equal_shapes(before=old.activity, after=new.activity)
    factors = _checked_discount(discount, old.activity)
    active = (old.activity + new.activity) / 2
    more_purchases = new.purchases - old.purchases
    more_per_purchase = new.margin_per_purchase - old.margin_per_purchase
    both_margins = (old.margin_per_purchase + new.margin_per_purchase) / 2
    both_purchases = (old.purchases + new.purchases) / 2
    longer = (new.activity - old.activity) * (old.margin_if_active + new.margin_if_active) / 2
    return ShopLeverSplit(
        time=weighted_row_sums(longer, factors),
        frequency=weighted_row_sums(active * more_purchases * both_margins, factors),
        basket=weighted_row_sums(active * more_per_purchase * both_purchases, factors),
    )


def _checked_curves(name: str, curves: ShopCurves) -> ShopCurves:
    activity = finite_matrix(f"{name}.activity", curves.activity)
    purchases = finite_matrix(f"{name}.purchases", curves.purchases)
    margin = finite_matrix(f"{name}.margin_per_purchase", curves.margin_per_purchase)
    require_equal_shapes(activity=activity, purchases=purchases, margin_per_purchase=margin)
    return ShopCurves(activity, purchases, margin)


def _checked_discount(discount: FloatArray, curve: FloatArray) -> FloatArray:
    factors = np.asarray(discount, dtype=np.float64)
    if factors.shape != curve.shape[1:] or not np.isfinite(factors).all():
        raise ValueError(
            f"discount has shape {factors.shape} and {int(np.isfinite(factors).sum())} finite "
            f"numbers; give ({curve.shape[1]},), one finite factor for each month."
        )
    return factors
