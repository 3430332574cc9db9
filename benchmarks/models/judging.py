"""Judging predictions: figures by model, and paired differences between the product and peers."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.comparison import losses
from training.paired_bootstrap import paired_difference

Values = NDArray[np.float64]
Json = dict[str, Any]
OWN = "keepworth"
"""The contract's name for the product's own answers."""
LEVEL = 0.95
ALL_CUTOFFS = "all"
_FIGURES = (
    "n_customers",
    "n_outcomes",
    "log_loss",
    "auc",
    "calibration_error",
    "rmse",
    "wape",
    "normalised_gini",
    "predicted_actual",
    "decile_error",
    "coverage",
    "coverage_by_tenth",
    "coverage_left",
)


def absolute_error(rows: pd.DataFrame) -> Values:
    """Return the absolute error of each median value, NaN where none is predicted."""
    return np.abs((rows["value_median"] - rows["value_actual"]).to_numpy())


LOSSES: dict[str, Callable[[pd.DataFrame], Values]] = {
    "log-loss of P(gone)": partial(losses, task="churn"),
    "squared error of the mean": partial(losses, task="value"),
    "absolute error of the median": absolute_error,
}


def figures(metrics: list[Json]) -> Iterator[Json]:
    """Yield the metrics that the tables show, to five digits."""
    for row in metrics:
        if row["task"] in {"referral", "exit_kind"}:
            continue
        names = {
            "cutoff": row["cutoff"][:10],
            "months": row["months"],
            "task": row["task"],
            "model": row["model"],
        }
        if "statistic" in row:
            names["statistic"] = row["statistic"]
        yield names | {name: rounded(row[name]) for name in _FIGURES if name in row}


def differences(predictions: pd.DataFrame, seed: int) -> Iterator[Json]:
    """Yield how much the product loses beside each other model, at each cutoff and at all.

    `share` is the mean paired difference of losses over the other model's mean loss, below zero
    where the product is better; `low` and `high` bound it by a paired bootstrap of customers.
    """
    rng = np.random.default_rng(seed)
    for (at, months), window in _windows(predictions):
        for name, loss in LOSSES.items():
            by_model = _losses(window, loss)
            own = by_model.pop(OWN)
            if not np.isfinite(own).all():
                continue
            customers = own.index.get_level_values("customer_id").to_numpy()
            for model, other in by_model.items():
                found = paired_difference(
                    own.to_numpy(), other.to_numpy(), customers, rng, level=LEVEL
                )
                scale = 100 / float(other.mean()) if other.mean() else np.nan
                yield {
                    "cutoff": at,
                    "months": months,
                    "loss": name,
                    "model": model,
                    "share": rounded(found.mean * scale),
                    "low": rounded(found.low * scale),
                    "high": rounded(found.high * scale),
                }


def rounded(value: Any) -> Any:
    """Return numbers to five digits, lists of them too, other things as they are."""
    if isinstance(value, list):
        return [rounded(part) for part in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _windows(predictions: pd.DataFrame) -> Iterator[tuple[tuple[str, int], pd.DataFrame]]:
    """Yield the rows of each cutoff and horizon, then of each horizon that has more cutoffs."""
    for (cutoff, months), window in predictions.groupby(["cutoff", "months"], sort=True):
        yield (f"{cutoff:%Y-%m-%d}", int(months)), window
    for months, window in predictions.groupby("months", sort=True):
        if len(window["cutoff"].unique()) > 1:
            yield (ALL_CUTOFFS, int(months)), window


def _losses(window: pd.DataFrame, loss: Callable[[pd.DataFrame], Values]) -> dict[str, pd.Series]:
    """Return losses by model, each indexed by cutoff and customer in the same order."""
    found = {}
    for model, rows in window.groupby("model", sort=False):
        index = pd.MultiIndex.from_frame(rows[["cutoff", "customer_id"]])
        found[str(model)] = pd.Series(loss(rows), index=index).sort_index()
    return found
