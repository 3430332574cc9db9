"""What people build first: features of one customer in pandas, a classifier, a formula.

Fitted on the same customers as the product's model, so that both answer about the same people.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost as xgb

WINDOWS_DAYS = (30, 90, 365)
KINDS = ("usage", "support", "payment_failed", "plan_change", "renew", "contact", "offer")
PLAN_KINDS = ("subscribe", "plan_change", "renew")
HORIZON_MONTHS, ANNUAL_DISCOUNT_RATE, GROSS_MARGIN, COST_PER_MONTH = 36, 0.10, 0.8, 1.2
_AHEAD_DAYS = 91
_TREES = 200


def features(events: pd.DataFrame, as_of: pd.Timestamp) -> dict[str, float]:
    """Return the features of one customer from what had occurred before an instant."""
    events = events[events["occurred_at"] < as_of]
    age_days = (as_of - events["occurred_at"]).dt.total_seconds() / 86_400
    found: dict[str, float] = {"tenure_days": float(age_days.max())}
    for days in WINDOWS_DAYS:
        recent = events[age_days <= days]
        counts = recent["kind"].value_counts()
        found |= {f"{kind}_{days}d": float(counts.get(kind, 0)) for kind in KINDS}
        usage = recent[recent["kind"] == "usage"].groupby("label", observed=True)["amount"].sum()
        found |= {
            f"{metric}_{days}d": float(usage.get(metric, 0.0))
            for metric in ("data_gb", "minutes", "logins")
        }
    for kind in KINDS:
        since = age_days[events["kind"] == kind]
        found[f"days_since_{kind}"] = float(since.min()) if len(since) else np.nan
    prices = events.loc[events["kind"].isin(PLAN_KINDS), "amount"]
    found["mrr"] = float(prices.iloc[-1]) if len(prices) else 0.0
    found["mrr_change"] = found["mrr"] - float(prices.iloc[0]) if len(prices) else 0.0
    return found


def clv(churn_in_three_months: float, mrr: float) -> float:
    """Return the discounted margin of the horizon, at a churn that stays as it is."""
    months = np.arange(1, HORIZON_MONTHS + 1)
    survival = (1 - churn_in_three_months) ** (months / 3)
    discount = (1 + ANNUAL_DISCOUNT_RATE) ** (-(months - 0.5) / 12)
    return float(((mrr * GROSS_MARGIN - COST_PER_MONTH) * survival * discount).sum())


def fit(histories: dict[str, pd.DataFrame], path: Path) -> None:
    """Fit a classifier of leaving within three months, and keep it as a file."""
    until = max(events["occurred_at"].max() for events in histories.values())
    cutoff = until - pd.Timedelta(days=_AHEAD_DAYS)
    rows = list(_labelled(histories, cutoff))
    matrix = pd.DataFrame([row for row, _ in rows])
    labels = np.array([left for _, left in rows], dtype=np.float64)
    data = xgb.DMatrix(matrix, labels)
    settings = {
        "objective": "binary:logistic",
        "max_depth": 4,
        "eta": 0.05,
        "seed": 1,
        "nthread": 2,
    }
    xgb.train(settings, data, _TREES).save_model(path)


def _labelled(
    histories: dict[str, pd.DataFrame], cutoff: pd.Timestamp
) -> Iterator[tuple[dict[str, float], bool]]:
    for events in histories.values():
        cancelled = events.loc[events["kind"] == "cancel", "occurred_at"]
        if events["occurred_at"].iloc[0] < cutoff and not (cancelled < cutoff).any():
            yield features(events, cutoff), bool((cancelled >= cutoff).any())
