"""The one scoring function: bundle and histories in, curves and CLV out.

Backtest, batch, service and Spark call `score`. Its path imports neither MLflow nor a tracking
store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from features.blocks import Block
from features.kernel import Moment
from training import naive
from training.bundle import Bundle
from training.exit_kinds import FEWEST_LABELLED, KINDS, WITHIN_MONTHS
from training.forecast import Forecast
from training.intervals import Intervals
from training.payback import payback_months
from training.referrals import FEWEST_CONVERSIONS
from training.shop_median import shop_median
from training.subscription import SubscriptionModel
from valuation.lifetime_value import clv, clv_quantiles, value_at_stake
from valuation.segments import segments

Values = NDArray[np.float64]
CHURN_MONTHS = (1, 3, 6, 12)
WINDOWS_CALIBRATED = 2
"""Intervals over more than so many times the window they were calibrated on carry a warning."""
_NO_REFERRALS = {
    "referral_value": f"referral_value is null: training saw fewer than {FEWEST_CONVERSIONS} "
    "newcomers join by referral in a year",
}
_NO_INTERVALS = {
    name: f"{name} is null: too little history came before this model version to calibrate it"
    for name in ("clv_low", "clv_high", "clv_sd")
}
_NO_MEDIAN = {
    "clv_median": "clv_median is null: too little history came before this model version to know "
    "how far what buyers spend differs from what is expected of them",
}
_NO_KINDS = {
    name: f"{name} is null: training saw fewer than {FEWEST_LABELLED} exits with a label"
    for name in (f"churn_{WITHIN_MONTHS}m_{kind}" for kind in KINDS)
}
_NOT_FOR_SHOPS = {
    **{
        name: f"{name} is null: a shop's customers do not say that they leave" for name in _NO_KINDS
    },
    "value_at_stake": "value_at_stake is null: a shop's customers have no moment of leaving",
    "survival": "survival is null: a shop's customers have no moment of leaving",
}


@dataclass(frozen=True)
class Scores:
    """Hold the answer for a block, one entry a customer; NaN where there is none.

    Money in major units of the business's currency. `warnings` hold for every customer, `outside`
    by row for those who are unlike all that training saw. `reasons` are there by id for the
    customers who were explained; `score` explains nobody.
    """

    customer_ids: NDArray[np.object_]
    as_of: int
    model_version: str
    forecast: Forecast
    clv: Values
    clv_median: Values
    clv_low: Values
    clv_high: Values
    clv_sd: Values
    value_at_stake: Values
    payback_month: Values
    referral_value: Values
    naive: Mapping[str, Values]
    segment: NDArray[np.object_]
    warnings: tuple[str, ...] = field(default=())
    outside: Mapping[int, Sequence[str]] = field(default_factory=dict)
    reasons: Mapping[str, Sequence[str]] = field(default_factory=dict)


def score(
    bundle: Bundle,
    block: Block,
    as_of: int,
    *,
    horizon_months: int | None = None,
    annual_discount_rate: float | None = None,
) -> Scores:
    """Value every customer of a block from what was visible before `as_of`.

    Parameters
    ----------
    as_of : int
        Microseconds since the epoch.
    horizon_months, annual_discount_rate : optional
        By default those of the business the bundle was fitted for.
    """
    horizon = bundle.business.horizon_months if horizon_months is None else horizon_months
    rate = bundle.business.annual_discount_rate
    rate = rate if annual_discount_rate is None else annual_discount_rate
    moment = Moment(block.history, block.profiles, as_of, bundle.business, bundle.references)
    forecast = bundle.model.forecast(moment, bundle.business, max(horizon, CHURN_MONTHS[-1]))
    margin = forecast.expected_margin[:, :horizon]
    value = clv(margin, rate)
    median = own_median(bundle.intervals, forecast, rate, horizon)
    low, high, variance = interval(bundle.intervals, forecast, rate, horizon, median)
    return Scores(
        customer_ids=block.history.customer_ids,
        as_of=as_of,
        model_version=bundle.version,
        forecast=_cut(forecast, horizon),
        clv=value,
        clv_median=median,
        clv_low=low,
        clv_high=high,
        clv_sd=np.sqrt(variance),
        value_at_stake=_at_stake(forecast, rate, horizon),
        payback_month=payback_months(moment, bundle.business, margin, bundle.observed_from),
        referral_value=_referral_value(bundle, moment, forecast, rate, horizon),
        naive=naive.as_used(moment, bundle.model, bundle.business, horizon),
        segment=_segments(bundle, forecast, value),
        warnings=_warnings(bundle, horizon),
        outside=bundle.model.support.warnings(
            moment, forecast.is_customer, bundle.business.currency
        ),
    )


def own_median(
    intervals: Intervals | None, forecast: Forecast, annual_discount_rate: float, horizon: int
) -> Values:
    """Return the product's median, shape (n_customers,); NaN for a shop without intervals."""
    if forecast.survival is not None:
        return median_value(forecast, annual_discount_rate, horizon)
    if intervals is None:
        return np.full(len(forecast.churn), np.nan)
    return shop_median(intervals, forecast, annual_discount_rate, horizon)


def median_value(forecast: Forecast, annual_discount_rate: float, horizon: int) -> Values:
    """Return the median of the discounted margin of months 1..horizon of a subscription.

    Shape (n_customers,). The moment of leaving is random, the plan stays as it is booked: most
    customers do not move. NaN for a shop.
    """
    if forecast.survival is None or forecast.margin_if_unchanged is None:
        return np.full(len(forecast.churn), np.nan)
    median = np.zeros(len(forecast.churn))
    there = forecast.is_customer
    margin = forecast.margin_if_unchanged[there, :horizon]
    survival = forecast.survival[there, :horizon]
    half = np.array([0.5])
    median[there] = clv_quantiles(margin, survival, annual_discount_rate, half)[:, 0]
    return median


def interval(
    intervals: Intervals | None,
    forecast: Forecast,
    annual_discount_rate: float,
    horizon: int,
    median: Values,
) -> tuple[Values, Values, Values]:
    """Return low, high and variance of the discounted margin of months 1..horizon, (n,) each.

    The ends hold the median, which may be NaN. All are NaN where nothing could be calibrated.
    """
    if intervals is None:
        unknown = np.full(len(forecast.is_customer), np.nan)
        return unknown, unknown, unknown
    low, high, variance = intervals.of_customers(forecast, annual_discount_rate, horizon)
    return np.fmin(low, median), np.fmax(high, median), variance


def _at_stake(forecast: Forecast, annual_discount_rate: float, horizon: int) -> Values:
    if forecast.survival is None:
        return np.full(len(forecast.churn), np.nan)
    stake = np.zeros(len(forecast.churn))
    there = forecast.is_customer
    margin, survival = forecast.margin_if_active[there], forecast.survival[there]
    stake[there] = value_at_stake(margin[:, :horizon], survival[:, :horizon], annual_discount_rate)
    return stake


def _referral_value(
    bundle: Bundle, moment: Moment, forecast: Forecast, annual_discount_rate: float, horizon: int
) -> Values:
    if bundle.referrals is None:
        return np.full(len(forecast.is_customer), np.nan)
    activity = forecast.activity[:, :horizon]
    return bundle.referrals.value(moment, bundle.business, activity, annual_discount_rate)


def _segments(bundle: Bundle, forecast: Forecast, value: Values) -> NDArray[np.object_]:
    named = np.full(len(value), None, dtype=object)
    there = forecast.is_customer
    churn = forecast.churn[there, bundle.business.risk_months - 1]
    named[there] = segments(value[there], churn, bundle.cuts)
    return named


def _cut(forecast: Forecast, horizon: int) -> Forecast:
    """Keep the horizon, and churn for at least the months that scores name."""
    survival, unchanged = forecast.survival, forecast.margin_if_unchanged
    idle = forecast.idle_margin
    return replace(
        forecast,
        activity=forecast.activity[:, :horizon],
        expected_margin=forecast.expected_margin[:, :horizon],
        margin_if_active=forecast.margin_if_active[:, :horizon],
        survival=None if survival is None else survival[:, :horizon],
        margin_if_unchanged=None if unchanged is None else unchanged[:, :horizon],
        idle_margin=None if idle is None else idle[:, :horizon],
    )


def _warnings(bundle: Bundle, horizon: int) -> tuple[str, ...]:
    warnings = dict(_NO_REFERRALS) if bundle.referrals is None else {}
    warnings |= _of_intervals(bundle.intervals, horizon)
    if not isinstance(bundle.model, SubscriptionModel):
        warnings |= _NOT_FOR_SHOPS | (_NO_MEDIAN if bundle.intervals is None else {})
        return tuple(warnings.values())
    warnings |= _NO_KINDS if bundle.model.exit_kinds is None else {}
    if bundle.model.hazard.booster is None:
        warnings["churn"] = (
            "churn rests on tenure and booked ends alone: too few exits, or all in one month, to "
            "learn from signals"
        )
    return tuple(warnings.values())


def _of_intervals(intervals: Intervals | None, horizon: int) -> Mapping[str, str]:
    if intervals is None:
        return _NO_INTERVALS
    if horizon <= WINDOWS_CALIBRATED * intervals.months:
        return {}
    return {
        "clv_low": f"clv_low and clv_high reach {horizon} months ahead, and could be calibrated on "
        f"{intervals.months}: beyond them they rest on an assumption"
    }
