"""From raw files to scores and a report, by the command line, for a small operator and a shop."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from serving.demo.operator import simulate_operator
from serving.demo.workspace import is_demo
from tests.serving.commands.terminal import done
from tests.shop import write_shop

N_CUSTOMERS, MONTHS = 700, 24
END = "2024-01-01"
EARLIER = "2023-10-01"
PREDICTION_COLUMNS = [
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
]
SCORE_COLUMNS = {
    *("customer_id", "as_of", "status", "segment", "model_version"),
    *("churn_1m", "churn_3m", "churn_6m", "churn_12m"),
    *("churn_3m_voluntary", "churn_3m_involuntary", "churn_3m_other"),
    *("clv", "clv_median", "clv_low", "clv_high", "clv_sd"),
    *("payback_month", "value_at_stake", "referral_value"),
    *("survival", "expected_margin", "reasons", "warnings"),
}
ERRORS = ("rmse", "wape", "normalised_gini", "spearman", "predicted_actual", "decile_error")


@dataclass(frozen=True)
class Chain:
    """Hold a workspace that went from raw files to scores, and what each command answered."""

    folder: Path
    answers: dict[str, dict[str, Any]]

    @property
    def scores(self) -> pd.DataFrame:
        return pd.read_parquet(self.answers["score"]["scores"][0])

    @property
    def predictions(self) -> pd.DataFrame:
        return pd.read_parquet(Path(self.answers["backtest"]["folder"]) / "predictions.parquet")

    @property
    def metrics(self) -> dict[str, Any]:
        text = (Path(self.answers["backtest"]["folder"]) / "metrics.json").read_text()
        return json.loads(text)


def run_chain(folder: Path) -> Chain:
    names = ("ingest", "features", "train", "backtest", "score")
    return Chain(folder, {name: done(name, "-C", folder) for name in names})


@pytest.fixture(scope="session")
def operator_raw(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    simulate_operator(N_CUSTOMERS, seed=5, months=MONTHS).write(folder)
    return folder


@pytest.fixture(scope="session")
def operator(operator_raw, tmp_path_factory) -> Chain:
    folder = tmp_path_factory.mktemp("chain") / "operator"
    return run_chain(shutil.copytree(operator_raw, folder))


@pytest.fixture(scope="session")
def shop(tmp_path_factory) -> Chain:
    folder = tmp_path_factory.mktemp("shop")
    write_shop(folder, np.random.default_rng(3))
    return run_chain(folder)


@pytest.fixture(params=["operator", "shop"])
def chain(request) -> Chain:
    return request.getfixturevalue(request.param)


def test_every_customer_is_scored_with_the_columns_of_the_contract(chain):
    scores = chain.scores
    naive = {name for name in scores.columns if name.startswith("naive_")}
    assert set(scores.columns) - naive == SCORE_COLUMNS
    assert naive
    assert scores["customer_id"].is_unique
    assert len(scores) == chain.answers["ingest"]["customers"]


def test_chances_of_having_left_move_one_way_with_the_months(chain):
    churn = chain.scores[["churn_1m", "churn_3m", "churn_6m", "churn_12m"]].to_numpy()
    assert ((churn >= 0) & (churn <= 1)).all()
    if chain.answers["score"]["currency"] == "EUR":
        assert (np.diff(churn, axis=1) >= 0).all()
    else:  # whoever buys nothing in months 1..h is gone: rarer, the further one looks
        assert (np.diff(churn, axis=1) <= 0).all()


def test_a_lost_customer_is_worth_nothing_and_certain_to_be_gone(operator):
    lost = operator.scores[operator.scores["status"] == "lost"]
    assert len(lost) == operator.answers["score"]["lost"] > 0
    assert (lost["clv"] == 0).all()
    assert (lost["churn_1m"] == 1).all()


def test_churn_and_clv_come_from_one_curve(operator):
    scores = operator.scores[operator.scores["status"] == "active"]
    survival = np.stack(scores["survival"])
    assert scores["churn_3m"].to_numpy() == pytest.approx(1 - survival[:, 2], abs=1e-12)
    months = np.arange(1, survival.shape[1] + 1)
    discounted = np.stack(scores["expected_margin"]) * 1.1 ** (-(months - 0.5) / 12)
    assert scores["clv"].to_numpy() == pytest.approx(discounted.sum(axis=1), rel=1e-9, abs=1e-9)


def test_the_portfolio_is_the_sum_of_its_customers(chain):
    active = chain.scores[chain.scores["status"] == "active"]
    answer = chain.answers["score"]
    assert answer["customer_equity"] == pytest.approx(active["clv"].sum(), rel=1e-12)
    assert answer["customers"] == len(active)
    assert answer["loss"] == pytest.approx(active["clv"].clip(upper=0).sum(), abs=1e-9)


def test_the_table_for_spreadsheets_says_the_same(chain):
    parquet, csv = (Path(path) for path in chain.answers["score"]["scores"])
    table = pd.read_csv(csv)
    assert list(table.columns) == list(pd.read_parquet(parquet).columns)
    assert table["clv"].to_numpy() == pytest.approx(chain.scores["clv"].to_numpy(), rel=1e-12)
    assert (
        len(json.loads(table["expected_margin"].iloc[0]))
        == chain.answers["score"]["horizon_months"]
    )


def test_a_field_that_is_null_is_named_in_the_warnings(chain):
    for column in ("clv_low", "clv_high", "referral_value", "payback_month"):
        for _, row in chain.scores[chain.scores[column].isna()].iterrows():
            assert any(column in warning for warning in row["warnings"])


def test_the_report_is_one_page_that_needs_no_other(chain):
    page = Path(chain.answers["score"]["report"]).read_text()
    assert page.startswith("<!doctype html>")
    assert "src=" not in page
    assert "@import" not in page


def test_predictions_are_those_of_the_contract(chain):
    predictions = chain.predictions
    assert list(predictions.columns) == PREDICTION_COLUMNS
    assert predictions["churn_probability"].between(0, 1).all()
    assert "keepworth" in set(predictions["model"])
    assert len(predictions["model"].unique()) > 1
    key = ["cutoff", "months", "model", "customer_id"]
    assert not predictions.duplicated(key).any()


def test_every_metric_can_be_recomputed_from_the_predictions(chain):
    predictions = chain.predictions
    rows = chain.metrics["metrics"]
    assert {row["task"] for row in rows} - {"exit_kind"} == {"churn", "value", "interval"}
    for row in rows:
        if row["task"] == "exit_kind":
            continue
        said = predictions[
            (predictions["cutoff"] == pd.Timestamp(row["cutoff"]))
            & (predictions["months"] == row["months"])
            & (predictions["model"] == row["model"])
        ]
        assert row["n_customers"] == len(said)
        if row["task"] == "churn":
            assert row["n_outcomes"] == said["churned"].sum()
            brier = np.mean((said["churn_probability"] - said["churned"]) ** 2)
            assert row["brier"] == pytest.approx(brier)
        elif row["task"] == "interval":
            is_held = said["value_actual"].between(
                said["value_low"] - 1e-6, said["value_high"] + 1e-6
            )
            assert row["coverage"] == pytest.approx(is_held.mean())
        else:
            error = said[f"value_{row['statistic']}"] - said["value_actual"]
            assert row["rmse"] == pytest.approx(np.sqrt(np.mean(error**2)))
            assert set(ERRORS) <= set(row)


def test_what_is_said_of_kinds_of_exit_can_be_recomputed(operator):
    rows = [row for row in operator.metrics["metrics"] if row["task"] == "exit_kind"]
    said = pd.read_parquet(Path(operator.answers["backtest"]["folder"]) / "exit_kinds.parquet")
    assert rows
    for row in rows:
        there = said["cutoff"] == pd.Timestamp(row["cutoff"])
        shares = said[there & (said["model"] == row["model"])]["share"]
        assert row["n_outcomes"] == len(shares)
        assert row["log_loss"] == pytest.approx(-np.log(shares).mean())


def test_no_window_of_the_backtest_is_unfinished(chain):
    until = pd.Timestamp(chain.metrics["observed_until"])
    for row in chain.metrics["metrics"]:
        assert pd.Timestamp(row["cutoff"]) + pd.DateOffset(months=row["months"]) <= until


def test_a_snapshot_has_a_row_a_customer(chain):
    (snapshot,) = chain.answers["features"]["snapshots"]
    table = pd.read_parquet(snapshot["folder"])
    assert len(table) == snapshot["customers"] == chain.answers["ingest"]["customers"]
    assert len(table.columns) == snapshot["signals"] + 2


def test_ingesting_again_adds_nothing(chain):
    again = done("ingest", "-C", chain.folder)
    assert again["new"] == 0
    assert again["repeated"] + again["quarantined"] == again["rows_read"]
    assert again["fingerprint"] == chain.answers["ingest"]["fingerprint"]


def test_two_workers_score_to_the_same_bytes(chain):
    files = [Path(path) for path in chain.answers["score"]["scores"]]
    before = [path.read_bytes() for path in files]
    assert done("score", "--workers", 2, "-C", chain.folder) == chain.answers["score"]
    assert [path.read_bytes() for path in files] == before


def test_scoring_again_writes_the_same_bytes(chain):
    parquet = Path(chain.answers["score"]["scores"][0])
    before = parquet.read_bytes()
    assert done("score", "-C", chain.folder) == chain.answers["score"]
    assert parquet.read_bytes() == before


def test_the_version_that_was_trained_serves(chain):
    version = chain.answers["train"]["model_version"]
    assert chain.answers["score"]["model_version"] == version
    assert set(chain.scores["model_version"]) == {version}


@pytest.mark.long
def test_nothing_visible_at_or_after_as_of_is_read(operator_raw, tmp_path):
    whole = _scored_at_the_earlier_instant(operator_raw, tmp_path / "whole", lambda text: text)
    cut = _scored_at_the_earlier_instant(operator_raw, tmp_path / "cut", _only_what_was_visible)
    assert whole["n_events"] > cut["n_events"]
    assert whole["scores"] == cut["scores"]


def _scored_at_the_earlier_instant(
    raw: Path, folder: Path, change: Callable[[str], str]
) -> dict[str, Any]:
    shutil.copytree(raw, folder)
    file = folder / "keepworth.toml"
    file.write_text(change(file.read_text()))
    read = done("ingest", "-C", folder)
    done("train", "--as-of", EARLIER, "-C", folder)
    answer = done("score", "--as-of", EARLIER, "-C", folder)
    return {
        "scores": Path(answer["scores"][0]).read_bytes(),
        "n_events": sum(read["rows_by_kind"].values()),
    }


def _only_what_was_visible(configuration: str) -> str:
    """Wrap every SELECT of events, so that nothing known at or after the instant is ingested."""
    parts = configuration.split("\n[[sources]]\n")
    return "\n[[sources]]\n".join([parts[0], *map(_cut_source, parts[1:])])


def _cut_source(source: str) -> str:
    if 'into = "events"' not in source:
        return source
    zone = "Europe/Vienna" if "Europe/Vienna" in source else "UTC"
    recorded = "recorded_at" if "recorded_at" in source else "occurred_at"
    head, select, tail = source.split("'''")
    visible = " AND ".join(
        f"timezone('{zone}', CAST({column} AS TIMESTAMP)) < TIMESTAMPTZ '{EARLIER} 00:00:00+00'"
        if zone != "UTC"
        else f"CAST({column} AS TIMESTAMPTZ) < TIMESTAMPTZ '{EARLIER} 00:00:00+00'"
        for column in dict.fromkeys(("occurred_at", recorded))
    )
    return f"{head}'''SELECT * FROM ({select}) WHERE {visible}'''{tail}"


def test_the_folder_of_a_simulated_operator_is_known_as_one(operator, shop):
    assert is_demo(operator.folder)
    assert not is_demo(shop.folder)
