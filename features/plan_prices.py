"""States of the plan about money: what is charged, against list, ladder, cohort and the past.

Each is a function of where the plan stands, shape (n_customers,). Money is whole minor units
until one division gives the value. Where no subscription is open, the value does not count.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from features.contract import LARGEST_QUANTITY
from features.history import QUANTITY_SCALE, too_large
from features.months import DAY, month_numbers, shift_months
from features.plan_standing import PlanStanding

Values = NDArray[np.float64]


def mrr(plan: PlanStanding) -> Values:
    """Return MRR now in major units."""
    return plan.charged / plan.history.minor_units


def list_mrr(plan: PlanStanding) -> Values:
    """Return MRR before discount in major units."""
    return plan.listed / plan.history.minor_units


def discount_share(plan: PlanStanding) -> Values:
    """Return the share of the list price that is not charged; 0 where the list price is 0."""
    share = np.zeros(len(plan.listed))
    return np.divide(plan.listed - plan.charged, plan.listed, out=share, where=plan.listed > 0)


def is_paused(plan: PlanStanding) -> Values:
    """Return 1 where MRR and MRR before discount are 0 but were not before the pause, else 0."""
    is_paused = (plan.listed == 0) & (plan.charged == 0)
    if is_paused.any():
        is_paused &= plan.usual_listed > 0
    return is_paused.astype(np.float64)


def ladder_place(plan: PlanStanding) -> Values:
    """Return which share of the other plans on the ladder are cheaper than the main plan.

    Of n plans on the ladder: those whose price is strictly below that of the main plan there, of
    its list price where the ladder does not have it; at most n - 1 of them, over n - 1; 0 where n
    is 1; NaN without a ladder.
    """
    prices = plan.references.ladder_prices
    if not len(prices):
        return _unknown(plan)
    others = len(prices) - 1
    on_ladder = _of_labels(plan, plan.references.ladder)[plan.of_main(plan.label, -1)]
    price = np.where(on_ladder >= 0, on_ladder, _main_list_price(plan))
    return np.minimum(np.searchsorted(prices, price), others) / max(others, 1)


def price_to_plan_price(plan: PlanStanding) -> Values:
    """Return the list price of the main interval over the ladder's price of its plan.

    During a pause it is the price before. NaN where the ladder does not have the plan, or asks 0
    for it.
    """
    on_ladder = _of_labels(plan, plan.references.ladder)[plan.of_main(plan.label, -1)]
    return _ratio(_main_list_price(plan), on_ladder)


def price_to_cohort(plan: PlanStanding) -> Values:
    """Return MRR before discount over what is typical of the relationship's first month.

    During a pause MRR is that before it. The divisor is the cohort price of the calendar month
    (UTC) in which the relationship began (as `tenure_months` counts it), the typical price where
    no such cohort is known; NaN where that is unknown or 0.
    """
    months, prices = plan.references.cohort_months
    began = month_numbers(np.where(plan.is_open, plan.began, 0))
    usual = np.full(len(began), plan.references.typical_price or 0)
    if len(months):
        place = np.minimum(np.searchsorted(months, began), len(months) - 1)
        usual = np.where(months[place] == began, prices[place], usual)
    return _ratio(plan.usual_listed, usual)


def mrr_change_90d(plan: PlanStanding) -> Values:
    """Return (MRR now - MRR then) / MRR then, then being 90 days before as_of.

    MRR then is what is believed of it now; NaN where it was 0.
    """
    return _change_since(plan, 90)


def mrr_change_365d(plan: PlanStanding) -> Values:
    """Return (MRR now - MRR then) / MRR then, as `mrr_change_90d` does, 365 days before as_of."""
    return _change_since(plan, 365)


def booked_mrr_change(plan: PlanStanding) -> Values:
    """Return MRR six months ahead as booked over MRR now, less 1.

    0 where nothing is booked, nothing is charged now, or the last subscription ends by then:
    a booked end is told by `months_to_booked_end`.
    """
    timeline, now = plan.timeline, plan.charged
    change = np.zeros(len(now))
    if timeline.at.max(initial=plan.as_of) == plan.as_of:
        return change
    position = timeline.position(int(shift_months(plan.as_of, 6, plan.rules.month)))
    still_open = timeline.values_of(timeline.n_open, position) > 0
    then = timeline.values_of(timeline.mrr, position)
    return np.divide(then - now, now, out=change, where=(now > 0) & still_open)


def allowance(plan: PlanStanding, metric: str) -> Values:
    """Return the usage of a metric a month that the plans open now include, added up.

    Only plans whose allowance is known count, rounded as the metric's usage is; NaN where none is.

    Raises
    ------
    ConfigurationError
        If an allowance is too large for the metric's scale.
    """
    if not plan.references.allowances:
        return _unknown(plan)
    scale = plan.history.usage_scale.get(metric, QUANTITY_SCALE)
    scaled = {
        name: _held(included, scale, f"allowance of plan {name!r}")
        for name, included in plan.references.allowances.items()
    }
    found = plan.open_intervals
    included = _of_labels(plan, scaled)[plan.label[found]]
    known = included >= 0
    customer = plan.timeline.intervals.customer[found[known]]
    total = np.bincount(customer, included[known], len(plan.is_open))
    return np.where(np.bincount(customer, minlength=len(total)) > 0, total / scale, np.nan)


def _held(included: float, scale: int, key: str) -> int:
    if included * scale > LARGEST_QUANTITY:
        raise too_large(key, included, scale)
    return round(included * scale)


def _main_list_price(plan: PlanStanding) -> NDArray[np.int64]:
    return plan.of_main(plan.timeline.intervals.usual_list_mrr, 0)


def _of_labels(plan: PlanStanding, amounts: Mapping[str, int]) -> NDArray[np.int64]:
    """Return the amount of each label code, -1 where it has none, as the last entry has none."""
    by_code = np.full(len(plan.history.labels) + 1, -1)
    for name, amount in amounts.items():
        code = plan.history.label_code(name)
        if code >= 0:
            by_code[code] = amount
    return by_code


def _change_since(plan: PlanStanding, days: int) -> Values:
    then = plan.timeline.mrr_at(plan.as_of - days * DAY)
    return _ratio(plan.charged - then, then)


def _ratio(amount: NDArray[np.int64], to: NDArray[np.int64]) -> Values:
    """Return the quotient, NaN where the divisor is not above 0."""
    return np.divide(amount, to, out=np.full(len(to), np.nan), where=to > 0)


def _unknown(plan: PlanStanding) -> Values:
    return np.full(len(plan.is_open), np.nan)
