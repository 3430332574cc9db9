"""The backtest of referrals: newcomers expected and brought, beside the past rate."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from features.blocks import Block
from features.instants import datetime_of
from features.kernel import Moment
from features.months import month_edges
from training.backtest_plan import PRODUCT, BacktestPlan
from training.bundle import Bundle
from training.forecast import Forecast
from training.metrics import count_metrics
from training.referrals import JOINED, counted, recent_counts

PAST_RATE = "naive_past_rate"
REFERRAL_COLUMNS = ("cutoff", "months", "model", "customer_id", "newcomers", "newcomers_actual")


def referral_predictions(
    bundle: Bundle, block: Block, moment: Moment, forecast: Forecast, plan: BacktestPlan
) -> Iterator[pd.DataFrame]:
    """Yield newcomers expected in months 1..h beside those who came, for customers at the cutoff.

    The naive answer is the customer's own newcomers of the last year a month as a customer, times
    h. Nothing is yielded where the bundle predicts no referrals.
    """
    if bundle.referrals is None:
        return
    business, there = bundle.business, forecast.is_customer
    edges = month_edges(moment.as_of, max(plan.months), business.month)
    actual = counted(block.history, JOINED, edges)
    own = bundle.referrals.conversions(moment, business, forecast.activity)
    past, exposure = (part.sum(axis=1) for part in recent_counts(moment, business, JOINED))
    rate = np.divide(past, exposure, out=np.zeros_like(past), where=exposure > 0)
    for months in plan.months:
        answers = {PRODUCT: own[:, :months].sum(axis=1), PAST_RATE: rate * months}
        for model, newcomers in answers.items():
            table = pd.DataFrame(
                {
                    "cutoff": datetime_of(moment.as_of),
                    "months": months,
                    "model": model,
                    "customer_id": block.history.customer_ids,
                    "newcomers": newcomers,
                    "newcomers_actual": actual[:, :months].sum(axis=1),
                }
            )
            yield table[there]


def referral_metrics(predictions: pd.DataFrame) -> list[dict[str, object]]:
    """Return the metrics of task "referral", a row for each cutoff, horizon and model."""
    rows: list[dict[str, object]] = []
    if predictions.empty:
        return rows
    for _, group in predictions.groupby(["cutoff", "months", "model"], sort=False):
        cutoff, months, model = group.iloc[0][["cutoff", "months", "model"]]
        expected, came = (group[name].to_numpy(float) for name in REFERRAL_COLUMNS[-2:])
        names = {"cutoff": cutoff.isoformat(), "months": int(months), "task": "referral"}
        rows.append({**names, "model": model, **count_metrics(expected, came)})
    return rows
