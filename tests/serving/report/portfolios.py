"""Made portfolios: inputs of the report with the columns of the contract."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from serving.report.content import ReportInput
from training.business import Business
from valuation.segments import segment_cuts, segments

AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
CHANNELS = ("organic", "paid search", "referral", "retail partner", "door to door")


def business(contract: str = "subscription", **changes: Any) -> Business:
    table: dict[str, Any] = {
        "contract": contract,
        "currency": "EUR",
        "annual_discount_rate": 0.10,
        "gross_margin": 0.8,
        "horizon_months": 36,
        "cost_to_serve": {"per_month": 1.2, "support": 4.0},
    }
    return Business.model_validate(table | changes)


def scores_of(
    clv: Sequence[float],
    churn_3m: Sequence[float] | None = None,
    segment: Sequence[str] | None = None,
    *,
    is_shop: bool = False,
    horizon: int = 36,
) -> pd.DataFrame:
    """Return `scores` of active customers c0, c1, ... with constant hazards."""
    n = len(clv)
    churn = np.full(n, 0.1) if churn_3m is None else np.asarray(churn_3m)
    stays = (1 - churn) ** (1 / 3)
    months = np.arange(1, horizon + 1)
    survival = stays[:, None] ** months
    flat = np.asarray(clv, dtype=np.float64)[:, None] / horizon * np.ones(horizon)
    return pd.DataFrame(
        {
            "customer_id": [f"c{row}" for row in range(n)],
            "as_of": pd.Timestamp(AS_OF),
            "status": "active",
            "segment": ["middle/medium"] * n if segment is None else list(segment),
            "model_version": "7",
            **{
                f"churn_{month}m": churn ** (month / 3) if is_shop else 1 - stays**month
                for month in (1, 3, 6, 12)
            },
            "clv": np.asarray(clv, dtype=np.float64),
            "clv_median": np.asarray(clv, dtype=np.float64),
            "clv_low": None,
            "clv_high": None,
            "naive_value_x_months": np.asarray(clv, dtype=np.float64) * 2,
            "payback_month": np.nan,
            "value_at_stake": np.nan if is_shop else np.abs(np.asarray(clv)) * 0.05,
            "referral_value": None,
            "survival": [None] * n if is_shop else survival.tolist(),
            "expected_margin": flat.tolist(),
            "reasons": None,
            "warnings": [["reasons is null: explaining was not asked for"]] * n,
        }
    )


def lost(n: int) -> pd.DataFrame:
    """Return `scores` of lost customers x0, x1, ..."""
    table = scores_of([0.0] * n, [1.0] * n)
    names = [f"x{row}" for row in range(n)]
    return table.assign(customer_id=names, status="lost", segment=None)


def content_of(scores: pd.DataFrame, **changes: Any) -> ReportInput:
    """Return the input of a report without changes, costs or a backtest."""
    content: dict[str, Any] = {
        "business": business(),
        "scores": scores,
        "changes": None,
        "customers": pd.DataFrame({"customer_id": pd.Series(dtype=str)}),
        "backtest": None,
        "longest_month": 24,
        "data_until": AS_OF,
        "title": "Demo Telecom",
    }
    return ReportInput(**(content | changes))


def large_content(n: int, seed: int = 7, *, is_shop: bool = False) -> ReportInput:
    """Return a skewed portfolio with channels, changes and a backtest, as a business has it."""
    rng = np.random.default_rng(seed)
    churn = np.clip(rng.beta(1.3, 9, n), 0.005, 0.97)
    clv = rng.lognormal(6.1, 0.75, n) * (1 - churn) ** 3 - rng.exponential(45, n)
    named = [str(name) for name in segments(clv, churn, segment_cuts(clv, churn))]
    scores = scores_of(clv.tolist(), churn.tolist(), named, is_shop=is_shop)
    channel = rng.choice(CHANNELS, n, p=[0.3, 0.3, 0.15, 0.15, 0.1])
    cost = rng.gamma(4, 15, n) * np.select(
        [channel == "referral", channel == "organic"], [0.4, 0.2], 1.3
    )
    scores["payback_month"] = np.where(cost < clv * 0.9, rng.integers(2, 20, n), np.nan)
    gone = lost(n // 10)
    everyone = pd.concat([scores, gone], ignore_index=True)
    customers = pd.DataFrame(
        {
            "customer_id": everyone["customer_id"],
            "acquisition_channel": [*channel, *rng.choice(CHANNELS, len(gone))],
            "acquisition_cost": [*cost, *([np.nan] * len(gone))],
        }
    )
    return content_of(
        everyone,
        business=business("transactional" if is_shop else "subscription"),
        changes=_changes(scores, rng),
        customers=customers,
        backtest=backtest_rows(),
    )


def _changes(scores: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    clv = scores["clv"].to_numpy()
    scale = np.abs(clv) * rng.binomial(1, 0.2, len(clv))
    time, value = rng.normal(-0.05, 0.15, len(clv)) * scale, rng.normal(0, 0.1, len(clv)) * scale
    return pd.DataFrame(
        {
            "customer_id": scores["customer_id"],
            "clv_before": clv - time - value + 0.01 * np.abs(clv),
            "clv_now": clv,
            "time_lever": time,
            "value_lever": value,
            "segment_before": "middle/medium",
            "segment": scores["segment"],
        }
    )


def backtest_rows() -> list[dict[str, Any]]:
    """Return metrics at two cutoffs and two horizons, by two models."""
    return [
        row
        for cutoff in ("2022-10-01", "2023-01-01")
        for months in (3, 12)
        for row in _window(f"{cutoff}T00:00:00+00:00", months)
    ]


def _window(cutoff: str, months: int) -> list[dict[str, Any]]:
    rows = []
    for model, ratio, loss in (
        ("keepworth", 1.03, 0.21),
        ("naive_value_x_months", 1.14, 0.29),
        ("naive_margin_over_churn", 0.92, 0.29),
    ):
        names = {"cutoff": cutoff, "months": months, "model": model, "n_customers": 900}
        rows.append(
            names
            | {
                "task": "churn",
                "n_outcomes": 90,
                "log_loss": loss,
                "brier": 0.06,
                "auc": None if model.startswith("naive") else 0.81,
                "predicted_actual": ratio,
            }
        )
        rows.extend(
            names
            | {
                "task": "value",
                "statistic": statistic,
                "rmse": 41.5 * ratio,
                "wape": 0.3,
                "normalised_gini": 0.8,
                "spearman": 0.7,
                "predicted_actual": ratio,
                "decile_error": 0.08,
            }
            for statistic in ("mean", "median")
        )
    return rows
