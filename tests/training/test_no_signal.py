"""Where nothing says who leaves, nothing is claimed: chance ranks, levels hold, intervals cover."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.ingest.run import ingest
from features.instants import datetime_of
from features.log import Log
from features.months import shift_months
from serving.demo.operator import simulate_operator
from serving.workspace import open_workspace
from tests.training.worlds import ingested_log
from training.backtest import backtest_at, metrics_of
from training.backtest_plan import PRODUCT, plan_backtest
from training.business import Business
from training.known import known_at, observed_bounds

pytestmark = pytest.mark.long

N_CUSTOMERS, MONTHS, MONTHS_AHEAD = 3000, 20, (1, 3)
_ENDS = ("cancel", "cancel_withdrawn")
DEVIATIONS = 3.0


def _lives(events: pd.DataFrame) -> pd.DataFrame:
    """Return when each customer with one subscription began and, as it happened, left."""
    begun = events[events["kind"] == "subscribe"].groupby("customer_id")["occurred_at"]
    single = begun.count() == 1
    asked = events[events["kind"] == "cancel"]
    ends = asked.assign(end=asked["effective_at"].fillna(asked["occurred_at"]))
    left = ends.groupby("customer_id")["end"].max()
    return pd.DataFrame({"begin": begun.min()[single]}).join(left)


def _permuted_ends(
    lives: pd.DataFrame, edges: pd.DatetimeIndex, rng: np.random.Generator
) -> dict[str, pd.Timestamp]:
    """Let as many leave each month as did, drawn from all who are there: nobody knows who."""
    ends: dict[str, pd.Timestamp] = {}
    for start, end in pairwise(edges):
        n_left = int(((lives["end"] >= start) & (lives["end"] < end)).sum())
        there = [name for name in lives.index[lives["begin"] < start] if name not in ends]
        for name in rng.choice(there, min(n_left, len(there)), replace=False):
            ends[name] = start + rng.random() * (end - start)
    return ends


def _without_signal(events: pd.DataFrame, edges: pd.DatetimeIndex, seed: int) -> pd.DataFrame:
    lives = _lives(events)
    ends = _permuted_ends(lives, edges, np.random.default_rng(seed))
    kept = events[events["customer_id"].isin(lives.index) & ~events["kind"].isin(_ENDS)]
    end = kept["customer_id"].map(ends)
    kept = kept[end.isna() | (kept["occurred_at"] < end)]
    cancels = pd.DataFrame({"customer_id": ends.keys(), "occurred_at": ends.values()})
    cancels = cancels.assign(kind="cancel", label="voluntary", recorded_at=cancels["occurred_at"])
    names = [name for name in _COLUMNS if name in kept]
    return pd.concat([kept[names], cancels], ignore_index=True)


_COLUMNS = (
    *("customer_id", "kind", "occurred_at", "recorded_at", "effective_at", "subscription_id"),
    *("amount", "list_amount", "label", "term_months", "basket_id"),
)


def _log_of(events: pd.DataFrame, folder: Path, business: Business) -> Log:
    single = events.assign(subscription_id=None)
    return ingested_log(folder, pa.Table.from_pandas(single, preserve_index=False), business)


@pytest.fixture(scope="module")
def predictions(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The product's answers where each month whoever left was drawn by lot."""
    folder = tmp_path_factory.mktemp("operator")
    simulate_operator(N_CUSTOMERS, seed=11, months=MONTHS).write(folder)
    workspace = open_workspace(folder)
    settings = workspace.configuration
    ingest(folder, workspace.state, settings.sources, settings.business, settings.ingest)
    log = workspace.log()
    events = pd.concat([log.read_events(bucket).to_pandas() for bucket in range(log.n_buckets)])
    since, until = (datetime_of(end) for end in observed_bounds(log, settings.business))
    edges = pd.date_range(since, until, freq="MS")
    drawn = _without_signal(events, edges, seed=5)
    permuted = _log_of(drawn, tmp_path_factory.mktemp("permuted"), settings.business)
    cutoff = int(shift_months(observed_bounds(log, settings.business)[1], -3, "calendar"))
    plan = plan_backtest(permuted, settings.business, [cutoff], MONTHS_AHEAD)
    judged = backtest_at(known_at(permuted, settings.business, [], cutoff), plan).predictions
    return judged[judged["model"] == PRODUCT]


@pytest.mark.parametrize("months", MONTHS_AHEAD)
def test_auc_is_within_noise_of_a_half(predictions: pd.DataFrame, months: int) -> None:
    row = _metrics(predictions, months, "churn")

    left = row["n_outcomes"]
    stayed = row["n_customers"] - left
    assert left > 30
    # Deviation of the rank sum where ranks are chance (Mann and Whitney 1947).
    noise = np.sqrt((left + stayed + 1) / (12 * left * stayed))
    assert abs(row["auc"] - 0.5) < DEVIATIONS * noise


@pytest.mark.parametrize("months", MONTHS_AHEAD)
def test_as_many_are_said_to_leave_as_leave(predictions: pd.DataFrame, months: int) -> None:
    row = _metrics(predictions, months, "churn")

    expected = row["predicted_actual"] * row["n_outcomes"]
    assert abs(expected - row["n_outcomes"]) < DEVIATIONS * np.sqrt(expected)


@pytest.mark.parametrize("months", MONTHS_AHEAD)
def test_nobody_is_called_a_sure_leaver(predictions: pd.DataFrame, months: int) -> None:
    own = predictions[predictions["months"] == months]

    assert own["churn_probability"].max() < 4 * own["churn_probability"].mean()


@pytest.mark.parametrize("months", MONTHS_AHEAD)
def test_intervals_hold_eighty_percent(predictions: pd.DataFrame, months: int) -> None:
    row = _metrics(predictions, months, "interval")

    assert row["coverage"] > 0.77


def _metrics(predictions: pd.DataFrame, months: int, task: str) -> dict[str, Any]:
    return next(
        row for row in metrics_of(predictions) if (row["months"], row["task"]) == (months, task)
    )
