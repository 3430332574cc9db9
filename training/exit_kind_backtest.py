"""The backtest of kinds of exit: what was said of the kind that came, beside everybody's shares."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from features.blocks import Block
from features.instants import datetime_of
from features.kernel import Moment
from features.months import month_edges
from features.timeline import timeline_of
from training.backtest_plan import PRODUCT, BacktestPlan
from training.bundle import Bundle
from training.exit_kinds import KINDS, WITHIN_MONTHS, loss_of
from training.forecast import Forecast
from training.outcomes import exit_kinds, exit_months
from training.subscription import SubscriptionModel

BASE_SHARES = "naive_base_shares"


def exit_kind_predictions(
    bundle: Bundle, block: Block, moment: Moment, forecast: Forecast, plan: BacktestPlan
) -> Iterator[pd.DataFrame]:
    """Yield the share given to the kind that came, for labelled exits within three months.

    The naive answer gives every exit the shares of the portfolio. Nothing is yielded where the
    bundle says nothing of kinds, or no three months are judged.
    """
    kinds = bundle.model.exit_kinds if isinstance(bundle.model, SubscriptionModel) else None
    if kinds is None or forecast.exit_shares is None or max(plan.months) < WITHIN_MONTHS:
        return
    timeline = timeline_of(block.history, bundle.business)
    edges = month_edges(moment.as_of, WITHIN_MONTHS, bundle.business.month)
    kind = exit_kinds(block.history, timeline, moment.as_of, lapsed=1)
    came = np.flatnonzero(forecast.is_customer & (exit_months(timeline, edges) > 0) & (kind > 0))
    own = forecast.exit_shares[came]
    base = np.broadcast_to(np.array(kinds.shares), own.shape)
    for model, shares in {PRODUCT: own, BASE_SHARES: base}.items():
        yield pd.DataFrame(
            {
                "cutoff": datetime_of(moment.as_of),
                "model": model,
                "customer_id": block.history.customer_ids[came],
                "kind": np.array(KINDS)[kind[came] - 1],
                "share": shares[np.arange(len(came)), kind[came] - 1],
            }
        )


def exit_kind_metrics(predictions: pd.DataFrame) -> list[dict[str, object]]:
    """Return the metrics of task "exit_kind", a row for each cutoff and model."""
    rows: list[dict[str, object]] = []
    if predictions.empty:
        return rows
    for _, group in predictions.groupby(["cutoff", "model"], sort=False):
        cutoff, model = group.iloc[0][["cutoff", "model"]]
        names = {"cutoff": cutoff.isoformat(), "months": WITHIN_MONTHS, "task": "exit_kind"}
        log_loss = float(loss_of(group["share"].to_numpy(float)).mean())
        measured = {"n_outcomes": len(group), "log_loss": log_loss}
        rows.append({**names, "model": model, **measured})
    return rows
