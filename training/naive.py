"""The formulas people use today, and their churn rates, as answers to the same questions.

`as_used` gives them as people use them; `for_backtest` on equal horizon and margin.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.expressions import Count, DaysSince, Total
from features.kernel import Moment
from training.business import Business
from training.flows import recurring_margin
from training.shop import ShopModel
from training.subscription import SubscriptionModel
from valuation.naive import (
    basket_times_frequency_times_lifetime,
    margin_over_churn,
    value_times_months,
)

Values = NDArray[np.float64]
_DAYS_A_MONTH = 365.25 / 12
_LOWEST_CHURN = 1e-4


@dataclass(frozen=True)
class NaiveAnswer:
    """Hold what a formula says of each customer, shape (n_customers,): value, and P(gone)."""

    value: Values
    churn: Values


def as_used(
    moment: Moment, model: SubscriptionModel | ShopModel, business: Business, months: int
) -> Mapping[str, Values]:
    """Return the formulas over `months` as people use them, revenue and all, by column name."""
    if isinstance(model, SubscriptionModel):
        mrr = np.nan_to_num(moment.plan.value("mrr"))
        churn = max(model.monthly_churn, _LOWEST_CHURN)
        return {
            "naive_value_x_months": value_times_months(mrr, months),
            "naive_margin_over_churn": margin_over_churn(_monthly_margin(moment, business), churn),
        }
    basket, frequency = _basket(moment), _frequency(moment)
    lifetime = basket_times_frequency_times_lifetime(basket, frequency, float(months))
    return {
        "naive_basket_x_frequency_x_lifetime": lifetime,
        "naive_trailing_rule": _trailing_spend(moment, 12) * months / 12,
    }


def for_backtest(
    moment: Moment, model: SubscriptionModel | ShopModel, business: Business, months: int
) -> Mapping[str, NaiveAnswer]:
    """Return the formulas on equal horizon and margin: value of months 1..`months`."""
    if isinstance(model, SubscriptionModel):
        return _of_subscription(moment, model, business, months)
    share = model.margin.margin_share
    silent = model.silent_share[min(months, len(model.silent_share)) - 1]
    gone = np.full(moment.history.n_customers, silent)
    lifetime = basket_times_frequency_times_lifetime(
        _basket(moment), _frequency(moment), float(months)
    )
    trailing = _trailing_spend(moment, months)
    is_quiet = (trailing == 0).astype(np.float64)
    return {
        "naive_basket_x_frequency_x_lifetime": NaiveAnswer(share * lifetime, gone),
        "naive_trailing_rule": NaiveAnswer(
            share * trailing, np.clip(is_quiet, silent / 2, (1 + silent) / 2)
        ),
    }


def _of_subscription(
    moment: Moment, model: SubscriptionModel, business: Business, months: int
) -> Mapping[str, NaiveAnswer]:
    churn = max(model.monthly_churn, _LOWEST_CHURN)
    stays = (1 - churn) ** np.arange(months)
    margin = _monthly_margin(moment, business)
    gone = np.full(moment.history.n_customers, 1 - (1 - churn) ** months)
    return {
        "naive_value_x_months": NaiveAnswer(value_times_months(margin, months), gone),
        "naive_margin_over_churn": NaiveAnswer(margin * stays.sum(), gone),
    }


def _monthly_margin(moment: Moment, business: Business) -> Values:
    """Return what the plan's price brings a month, also where payments are the revenue."""
    priced = business.model_copy(update={"revenue": "mrr"})
    monthly = recurring_margin(moment.history, moment.timeline, priced)
    recurring = moment.timeline.sum_at(monthly, moment.as_of)
    is_open = moment.plan.is_open
    return np.where(is_open, recurring - business.cost_to_serve.get("per_month", 0.0), 0.0)


def _basket(moment: Moment) -> Values:
    return np.nan_to_num(moment.value(Total("purchase") / Count("purchase")))


def _frequency(moment: Moment) -> Values:
    months = np.maximum(moment.value(DaysSince("purchase", "first")) / _DAYS_A_MONTH, 1.0)
    return np.nan_to_num(moment.value(Count("purchase")) / months)


def _trailing_spend(moment: Moment, months: int) -> Values:
    return moment.value(Total("purchase", round(months * _DAYS_A_MONTH)))
