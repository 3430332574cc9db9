"""Rolling-origin backtests: stand at a cutoff, know nothing later, then compare with what came."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.blocks import Block, blocks
from features.instants import datetime_of
from features.kernel import Moment
from features.log import Log
from training import naive
from training.actual import actual_after
from training.backtest_plan import PRODUCT, BacktestPlan
from training.bundle import Bundle
from training.exit_kind_backtest import exit_kind_predictions
from training.fitting import fit_bundle
from training.forecast import Forecast
from training.known import Known
from training.metrics import churn_metrics, interval_metrics, value_metrics
from training.peers.peer import Peer
from training.referral_backtest import referral_predictions
from training.rolling import LONGEST_WINDOW_MONTHS
from training.scoring import interval, own_median

Values = NDArray[np.float64]
PREDICTION_COLUMNS = (
    "cutoff",
    "months",
    "model",
    "customer_id",
    "churn_probability",
    "churned",
    "value_mean",
    "value_median",
    "value_actual",
    "value_low",
    "value_high",
)


@dataclass(frozen=True)
class Backtested:
    """Hold what was fitted at a cutoff, and predictions beside what came.

    `predictions` has one row a horizon, model and customer of the population at the cutoff
    (PREDICTION_COLUMNS); `referrals` likewise (REFERRAL_COLUMNS), empty where the bundle does not
    predict any; `exit_kinds` holds what was said of kinds of exit.
    """

    bundle: Bundle
    predictions: pd.DataFrame
    referrals: pd.DataFrame
    exit_kinds: pd.DataFrame


def backtest_at(
    known: Known, plan: BacktestPlan, peers: Mapping[str, Peer] | None = None
) -> Backtested:
    """Fit at a cutoff and return predictions beside what came.

    What came is all the log knows of the window, whenever it was recorded. `peers`, fitted at the
    same cutoff, answer the same questions.
    """
    bundle, _ = fit_bundle(known)
    return judged_at(bundle, known.log, known.cutoff, plan, peers)


def judged_at(
    bundle: Bundle,
    log: Log,
    cutoff: int,
    plan: BacktestPlan,
    peers: Mapping[str, Peer] | None = None,
) -> Backtested:
    """Return what a bundle that was fitted no later says at a cutoff, beside what came."""
    business, longest = bundle.business, max(*plan.months, LONGEST_WINDOW_MONTHS)
    parts: list[pd.DataFrame] = []
    referrals: list[pd.DataFrame] = []
    kinds: list[pd.DataFrame] = []
    for block in blocks(log, business, list(bundle.vocabulary.levels)):
        moment = Moment(block.history, block.profiles, cutoff, business, bundle.references)
        forecast = bundle.model.forecast(moment, business, longest)
        parts.extend(_predictions(bundle, block, moment, forecast, plan, peers or {}))
        referrals.extend(referral_predictions(bundle, block, moment, forecast, plan))
        kinds.extend(exit_kind_predictions(bundle, block, moment, forecast, plan))
    return Backtested(bundle, _stacked(parts), _stacked(referrals), _stacked(kinds))


def _stacked(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def metrics_of(predictions: pd.DataFrame) -> list[dict[str, object]]:
    """Return the metrics of the contract, a row for each cutoff, horizon, task and model."""
    rows: list[dict[str, object]] = []
    groups = predictions.groupby(["cutoff", "months", "model"], sort=False)
    for _, group in groups:
        cutoff, months, model = group.iloc[0][["cutoff", "months", "model"]]
        names = {"cutoff": cutoff.isoformat(), "months": int(months)}
        left = group["churned"].to_numpy(dtype=bool)
        churn = churn_metrics(group["churn_probability"].to_numpy(dtype=np.float64), left)
        rows.append({**names, "task": "churn", "model": model, **churn})
        actual = group["value_actual"].to_numpy(dtype=np.float64)
        for statistic in ("mean", "median"):
            predicted = group[f"value_{statistic}"].to_numpy(dtype=np.float64)
            if np.isfinite(predicted).all():
                value = value_metrics(predicted, actual)
                task = {"task": "value", "model": model, "statistic": statistic}
                rows.append({**names, **task, **value})
        low, high = (group[f"value_{end}"].to_numpy(dtype=np.float64) for end in ("low", "high"))
        if np.isfinite(low).all():
            mean = group["value_mean"].to_numpy(dtype=np.float64)
            held = interval_metrics(low, high, actual, mean, left)
            rows.append({**names, "task": "interval", "model": model, **held})
    return rows


def _predictions(  # noqa: PLR0913, PLR0917 -- what was known, said and came of one block
    bundle: Bundle,
    block: Block,
    moment: Moment,
    forecast: Forecast,
    plan: BacktestPlan,
    peers: Mapping[str, Peer],
) -> Iterator[pd.DataFrame]:
    business, cutoff = bundle.business, moment.as_of
    actual = actual_after(block, cutoff, max(plan.months), business)
    of_peers = {name: peer.answers(moment, business, plan.months) for name, peer in peers.items()}
    for months in plan.months:
        answers = naive.for_backtest(moment, bundle.model, business, months)
        own = _own_answer(bundle, forecast, months)
        ends = interval(bundle.intervals, forecast, 0.0, months, own[2])
        tables = {PRODUCT: own} | {
            name: (answer.churn, answer.value, answer.value) for name, answer in answers.items()
        }
        for name, ahead in of_peers.items():
            tables[name] = ahead[months].churn, ahead[months].mean, ahead[months].median
        for model, (churn, mean, median) in tables.items():
            table = pd.DataFrame(
                {
                    "cutoff": datetime_of(cutoff),
                    "months": months,
                    "model": model,
                    "customer_id": block.history.customer_ids,
                    "churn_probability": churn,
                    "churned": actual.churned(months, business),
                    "value_mean": mean,
                    "value_median": median,
                    "value_actual": actual.margin[:, :months].sum(axis=1),
                    "value_low": ends[0] if model == PRODUCT else np.nan,
                    "value_high": ends[1] if model == PRODUCT else np.nan,
                }
            )
            yield table[forecast.is_customer]


def _own_answer(bundle: Bundle, forecast: Forecast, months: int) -> tuple[Values, Values, Values]:
    mean = forecast.expected_margin[:, :months].sum(axis=1)
    median = own_median(bundle.intervals, forecast, 0.0, months)
    return forecast.churn[:, months - 1], mean, median
