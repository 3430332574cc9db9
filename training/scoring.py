"""The one scoring function: bundle and histories in, curves and CLV out.

Backtest, batch, service and Spark call `score`. Its path imports neither MLflow nor a tracking
store.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.blocks import Block
from features.kernel import Moment
from training import naive
from training.bundle import Bundle
from training.forecast import Forecast
from training.payback import payback_months
from training.subscription import SubscriptionModel
from valuation.lifetime_value import clv, clv_quantiles, value_at_stake
from valuation.segments import SegmentCuts, segments

Values = NDArray[np.float64]
CHURN_MONTHS = (1, 3, 6, 12)
_PENDING = {
    "clv_low": "clv_low is null: this model version carries no calibrated intervals",
    "clv_high": "clv_high is null: this model version carries no calibrated intervals",
    "referral_value": "referral_value is null: this model version does not predict referrals",
    "reasons": "reasons is null: this model version does not explain scores",
}
_NOT_FOR_SHOPS = {
    "clv_median": "clv_median is null: not yet predicted for transactional customers",
    "value_at_stake": "value_at_stake is null: a shop's customers have no moment of leaving",
    "survival": "survival is null: a shop's customers have no moment of leaving",
}


@dataclass(frozen=True)
class Scores:
    """Hold the answer for a block, one entry a customer; NaN where there is none.

    Money in major units of the business's currency. `warnings` hold for every customer.
    """

    customer_ids: NDArray[np.object_]
    as_of: int
    model_version: str
    forecast: Forecast
    clv: Values
    clv_median: Values
    value_at_stake: Values
    payback_month: Values
    naive: Mapping[str, Values]
    segment: NDArray[np.object_]
    warnings: tuple[str, ...] = field(default=())


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
    horizon = horizon_months or bundle.business.horizon_months
    rate = bundle.business.annual_discount_rate
    rate = rate if annual_discount_rate is None else annual_discount_rate
    moment = Moment(block.history, block.profiles, as_of, bundle.business)
    forecast = bundle.model.forecast(moment, bundle.business, max(horizon, CHURN_MONTHS[-1]))
    margin = forecast.expected_margin[:, :horizon]
    value = clv(margin, rate)
    median, stake = _of_survival(forecast, rate, horizon)
    return Scores(
        customer_ids=block.history.customer_ids,
        as_of=as_of,
        model_version=bundle.version,
        forecast=_cut(forecast, horizon),
        clv=value,
        clv_median=median,
        value_at_stake=stake,
        payback_month=payback_months(moment, bundle.business, margin),
        naive=naive.as_used(moment, bundle.model, bundle.business),
        segment=_segments(forecast, value, bundle.cuts),
        warnings=_warnings(bundle),
    )


def _of_survival(forecast: Forecast, rate: float, horizon: int) -> tuple[Values, Values]:
    if forecast.survival is None:
        unknown = np.full(len(forecast.churn), np.nan)
        return unknown, unknown
    survival = forecast.survival[:, :horizon]
    margin = forecast.margin_if_active[:, :horizon]
    median, stake = np.zeros((2, len(survival)))
    there = forecast.is_customer
    if there.any():
        median[there] = clv_quantiles(margin[there], survival[there], rate, np.array([0.5]))[:, 0]
        stake[there] = value_at_stake(margin[there], survival[there], rate)
    return median, stake


def _segments(forecast: Forecast, value: Values, cuts: SegmentCuts) -> NDArray[np.object_]:
    named = np.full(len(value), None, dtype=object)
    there = forecast.is_customer
    named[there] = segments(value[there], forecast.churn[there, 2], cuts)
    return named


def _cut(forecast: Forecast, horizon: int) -> Forecast:
    """Keep the horizon, and churn for at least the months that scores name."""
    return Forecast(
        forecast.is_customer,
        forecast.churn,
        forecast.activity[:, :horizon],
        forecast.expected_margin[:, :horizon],
        None if forecast.survival is None else forecast.survival[:, :horizon],
        forecast.margin_if_active[:, :horizon],
    )


def _warnings(bundle: Bundle) -> tuple[str, ...]:
    warnings = dict(_PENDING)
    if not isinstance(bundle.model, SubscriptionModel):
        warnings |= _NOT_FOR_SHOPS
    elif bundle.model.hazard.booster is None:
        warnings["churn"] = "churn rests on tenure alone: too few exits to learn from signals"
    return tuple(warnings.values())
