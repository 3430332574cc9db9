"""Tracking: one run holds what a version is, and MLflow can load and ask it."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest

from features.blocks import block_of
from features.instants import instant_of
from features.log import EVENT_SCHEMA
from tests.training.worlds import Trained
from training.bundle_files import save_bundle
from training.example_input import example_events
from training.scoring import score
from training.tracking import (
    ALIAS,
    REGISTERED_NAME,
    Registration,
    TrackingStore,
    embedded_store,
    log_backtest,
    move_alias,
    register,
)


@dataclass(frozen=True)
class Tracked:
    """Hold a store in which one version was registered."""

    store: TrackingStore
    version: str
    run: mlflow.entities.Run


@pytest.fixture(scope="session")
def tracked(operator: Trained, tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    folder = tmp_path_factory.mktemp("tracked")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        store = embedded_store(folder)
    save_bundle(operator.bundle, folder / "bundle")
    made = Registration(operator.bundle, folder / "bundle", operator.checks)
    version = register(store, made)
    move_alias(store, version)
    client = mlflow.MlflowClient()
    run_id = client.get_model_version(REGISTERED_NAME, version).run_id
    return Tracked(store, version, client.get_run(run_id))


def test_the_embedded_store_lies_in_the_workspace(tracked: Tracked) -> None:
    assert tracked.store.artifacts is not None
    assert tracked.store.uri == f"sqlite:///{tracked.store.artifacts.parent / 'mlflow.db'}"
    assert (tracked.store.artifacts.parent / "mlflow.db").is_file()


def test_a_tracking_server_named_in_the_environment_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking.example")

    assert embedded_store(tmp_path) == TrackingStore("http://tracking.example", None)


def test_a_run_says_what_the_version_was_trained_on(operator: Trained, tracked: Tracked) -> None:
    params = tracked.run.data.params

    assert params["business.contract"] == "subscription"
    assert params["data_fingerprint"] == operator.log.fingerprint
    assert params["n_customers"] == str(operator.bundle.n_customers)
    assert params["n_signals"] == str(len(operator.bundle.model.signals))


def test_a_run_keeps_metrics_and_plots_of_the_check(operator: Trained, tracked: Tracked) -> None:
    metrics = tracked.run.data.metrics
    names = {item.path for item in mlflow.MlflowClient().list_artifacts(tracked.run.info.run_id)}

    assert metrics["hazard.log_loss"] == pytest.approx(operator.checks[0].metrics()["log_loss"])
    assert {"signals.json", "hazard_calibration.png", "hazard_gain.png"} <= names


def test_the_newest_version_is_the_champion(tracked: Tracked) -> None:
    champion = mlflow.MlflowClient().get_model_version_by_alias(REGISTERED_NAME, ALIAS)

    assert str(champion.version) == tracked.version == "1"


def test_a_registered_version_is_loaded_without_unpickling_and_scores_alike(
    operator: Trained, tracked: Tracked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    events = _as_signed(operator.log.read_events(0).slice(0, 4000).to_pandas())
    loaded = mlflow.pyfunc.load_model(f"models:/{REGISTERED_NAME}@{ALIAS}")

    answer = loaded.predict(events)

    expected = _scored_directly(operator, events)
    assert answer["customer_id"].tolist() == list(expected)
    np.testing.assert_array_equal(answer["clv"], list(expected.values()))


def _as_signed(events: pd.DataFrame) -> pd.DataFrame:
    """Return events with times as text, as the signature has them."""
    told = events.copy()
    for name in ("occurred_at", "recorded_at", "effective_at"):
        texts = [None if pd.isna(instant) else instant.isoformat() for instant in told[name]]
        told[name] = pd.Series(texts, told.index, dtype=object)
    return told.astype({"term_months": "float64"})


def _scored_directly(operator: Trained, events: pd.DataFrame) -> dict[str, float]:
    kept = operator.log.read_events(0).slice(0, 4000)
    assert kept.schema == EVENT_SCHEMA
    last = max(pc.max(kept.column(name)).as_py() for name in ("occurred_at", "recorded_at"))
    levels = list(operator.bundle.vocabulary.levels)
    block = block_of(kept, None, operator.business, levels)
    scores = score(operator.bundle, block, instant_of(last + timedelta(microseconds=1)))
    return dict(zip(scores.customer_ids, scores.clv, strict=True))


@pytest.mark.parametrize("contract", ["subscription", "transactional"])
def test_the_example_input_is_of_a_customer_who_never_was(contract: str) -> None:
    example = example_events("subscription" if contract == "subscription" else "transactional")

    assert set(example["customer_id"]) == {"made-up"}
    assert set(example.columns) <= set(EVENT_SCHEMA.names)


def test_a_signature_and_a_synthetic_example_travel_with_the_model(tracked: Tracked) -> None:
    loaded = mlflow.pyfunc.load_model(f"models:/{REGISTERED_NAME}@{ALIAS}")

    assert {"customer_id", "kind", "occurred_at"} <= set(
        loaded.metadata.signature.inputs.input_names()
    )
    example = loaded.input_example
    assert set(example["customer_id"]) == {"made-up"}
    assert len(loaded.predict(example)) == 1


def test_a_backtest_is_one_run_with_metrics_by_name(tracked: Tracked) -> None:
    row = {"cutoff": "2024-01-01T00:00:00+00:00", "months": 3, "task": "churn"}

    log_backtest(
        tracked.store, "b1", [{**row, "model": "keepworth", "log_loss": 0.25, "auc": None}]
    )

    runs = mlflow.search_runs(search_all_experiments=True)
    found = runs[runs["tags.mlflow.runName"] == "backtest b1"].iloc[0]
    assert found["metrics.keepworth.churn.3m.2024-01-01.log_loss"] == 0.25


def test_an_emptied_store_gives_no_version_a_second_time(operator: Trained, tmp_path: Path) -> None:
    emptied = TrackingStore(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")
    save_bundle(operator.bundle, tmp_path / "bundle")

    made = Registration(operator.bundle, tmp_path / "bundle", operator.checks)
    version = register(emptied, made, taken={"1", "2"})

    assert version == "3"
