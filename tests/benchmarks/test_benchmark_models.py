"""The benchmark of the models: what it computes itself, and the page of its results."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.features.measuring import ROOT
from benchmarks.models.data_sets import DATA_SETS
from benchmarks.models.judging import LOSSES, differences
from benchmarks.models.no_signal import write_no_signal
from benchmarks.models.noise import TRAITS, auc_within, exchange
from benchmarks.models.page import results_page
from benchmarks.models.scale_run import LANDMARKS, made_up_rows
from benchmarks.models.workspaces import configure
from features.ingest.run import ingest
from serving.workspace import open_workspace

FOLDER = ROOT / "benchmarks" / "models"


def predictions_of(model: str, probability: float, n_customers: int = 200) -> pd.DataFrame:
    """One cutoff, one month; every fourth customer left, a margin of 10 came of the others."""
    left = np.arange(n_customers) % 4 == 0
    return pd.DataFrame(
        {
            "cutoff": pd.Timestamp("2024-01-01", tz="UTC"),
            "months": 1,
            "model": model,
            "customer_id": [f"c{number}" for number in range(n_customers)],
            "churn_probability": probability,
            "churned": left,
            "value_mean": 10.0 * (1 - probability),
            "value_median": 10.0,
            "value_actual": np.where(left, 0.0, 10.0),
        }
    )


def test_the_page_is_that_of_the_results():
    results = json.loads((FOLDER / "results.json").read_text())
    assert (FOLDER / "RESULTS.md").read_text() == results_page(results)


def test_a_model_that_is_worse_by_a_hair_everywhere_is_found_significantly_worse():
    both = pd.concat([predictions_of("keepworth", 0.25), predictions_of("other", 0.6)])
    found = {row["loss"]: row for row in differences(both, seed=1)}
    log_loss, squared, absolute = (found[name] for name in LOSSES)
    assert log_loss["high"] < 0
    assert squared["high"] < 0
    assert absolute["low"] == absolute["high"] == 0
    own = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    other = -(0.25 * np.log(0.6) + 0.75 * np.log(0.4))
    assert log_loss["share"] == pytest.approx(100 * (own - other) / other, rel=1e-4)


def test_losses_of_one_customer_are_paired_whatever_the_order_of_rows():
    own, other = predictions_of("keepworth", 0.25), predictions_of("other", 0.25)
    shuffled = other.sample(frac=1.0, random_state=1)
    for row in differences(pd.concat([own, shuffled]), seed=1):
        assert row["share"] == row["low"] == row["high"] == 0


def test_auc_within_groups_counts_no_pair_of_two_groups():
    probability = np.array([0.9, 0.1, 0.2, 0.8])
    left = np.array([True, False, True, False])
    group = np.array(["a", "a", "b", "b"], dtype=object)
    auc, errors = auc_within(probability, left, group)
    assert auc == 0.5
    assert errors == 0.0


def test_policies_are_exchanged_within_their_month_of_issue_and_keep_their_exits(tmp_path: Path):
    rng = np.random.default_rng(1)
    months = np.repeat(["2001-01-05", "2001-02-07"], 50)
    policies = pa.table(
        {
            "policy_id": np.arange(100),
            "issue_date": months,
            "duration": rng.random(100),
            **{name: np.arange(100.0) for name in TRAITS},
        }
    )
    file = tmp_path / "policies.parquet"
    pq.write_table(policies, file)
    issued = exchange(file, seed=1)
    after = pq.read_table(file)
    assert after["duration"].equals(policies["duration"])
    premium = after["annual_premium"].to_numpy()
    assert sorted(premium[:50]) == list(range(50))
    assert not np.array_equal(premium, np.arange(100.0))
    assert issued["7"] == "2001-01"


def test_a_business_without_signal_is_read_without_a_row_in_quarantine(tmp_path: Path):
    write_no_signal(tmp_path, n_customers=50, seed=1)
    workspace = open_workspace(tmp_path)
    settings = workspace.configuration
    report = ingest(tmp_path, workspace.state, settings.sources, settings.business, settings.ingest)
    assert report.quarantined == 0
    assert workspace.log().n_events > 500


def test_made_up_rows_end_with_the_exit():
    parts = list(made_up_rows(500, 3, np.random.default_rng(1)))
    assert min(rows.landmark.min() for rows in parts) == -LANDMARKS
    for rows in parts:
        assert (rows.exit_month <= rows.months_observed).all()
        tenure_at_exit = (rows.clocks[:, 0] + rows.exit_month)[rows.exit_month > 0]
        assert tenure_at_exit.max(initial=0) <= LANDMARKS
    assert sum((rows.exit_month == 1).sum() for rows in parts) > 50


def test_settings_that_are_not_there_are_refused(tmp_path: Path):
    (tmp_path / "keepworth.toml").write_text("horizon_months = 12\n")
    with pytest.raises(ValueError, match="is 0 times"):
        configure(tmp_path, [("gross_margin = 0.25", "gross_margin = 1.0")])


@pytest.mark.parametrize("data", DATA_SETS.values(), ids=DATA_SETS)
def test_every_figure_of_the_prototype_stands_beside_a_cutoff_that_is_judged(data):
    judged = {
        (cutoff, months)
        for window in data.windows
        for cutoff in window.cutoffs
        for months in window.months
    }
    for target in data.targets:
        assert {(cutoff, target.months) for cutoff in target.cutoffs} <= judged
