"""Tracking in MLflow: what a version was trained on, how it did, and the version itself.

The embedded store lies in `mlruns/` of the workspace; `MLFLOW_TRACKING_URI` names another.
"""

import hashlib
import logging
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

import training.logged_model
from features.instants import datetime_of
from training.bundle import Bundle
from training.check import Check
from training.example_input import example_events
from training.plots import calibration_plot, gain_plot
from training.subscription import SubscriptionModel

REGISTERED_NAME = "keepworth"
ALIAS = "champion"
_EXPERIMENT = "keepworth"
_TRACKING_URI = "MLFLOW_TRACKING_URI"


@dataclass(frozen=True)
class TrackingStore:
    """Name where runs are tracked; `artifacts` is None where a server decides."""

    uri: str
    artifacts: Path | None


def embedded_store(workspace: Path) -> TrackingStore:
    """Return the store that MLFLOW_TRACKING_URI names, else `mlruns/` of the workspace."""
    uri = os.environ.get(_TRACKING_URI)
    if uri:
        return TrackingStore(uri, None)
    folder = workspace / "mlruns"
    return TrackingStore(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts")


def register(
    store: TrackingStore,
    bundle: Bundle,
    folder: Path,
    checks: list[Check],
    taken: Collection[str] = (),
) -> str:
    """Log one run with the bundle in `folder`, register it, and return its version.

    The alias `champion` moves to the new version. Versions in `taken` are passed over: a store
    that is new, or was emptied, counts from 1 again where the workspace has versions already.
    """
    digest = _sha256(folder / "bundle.json")
    client = _client(store)
    with mlflow.start_run(experiment_id=_experiment(store), run_name=_run_name(bundle)):
        mlflow.log_params(_parameters(bundle))
        mlflow.log_dict([signal.name for signal in bundle.model.signals], "signals.json")
        for check in checks:
            mlflow.log_metrics(
                {f"{check.name}.{name}".replace(" ", "_"): v for name, v in check.metrics().items()}
            )
            stem = check.name.replace(" ", "_")
            mlflow.log_figure(calibration_plot(check), f"{stem}_calibration.png")
            mlflow.log_figure(gain_plot(check), f"{stem}_gain.png")
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=training.logged_model.__file__,
            artifacts={"bundle": str(folder)},
            model_config={"digest": digest},
            signature=_signature(),
            input_example=example_events(bundle.business.contract),
            pip_requirements=[f"keepworth=={installed_version('keepworth')}"],
        )
    return _registered(client, info.model_uri, info.run_id, taken)


def _registered(
    client: mlflow.MlflowClient, source: str, run_id: str, taken: Collection[str]
) -> str:
    """Make a version of a logged model, and move the alias `champion` to it."""
    if not client.search_registered_models(f"name = '{REGISTERED_NAME}'"):
        client.create_registered_model(REGISTERED_NAME)
    version = _new_version(client, source, run_id)
    while version in taken:
        version = _new_version(client, source, run_id)
    client.set_registered_model_alias(REGISTERED_NAME, ALIAS, version)
    return version


def _new_version(client: mlflow.MlflowClient, source: str, run_id: str) -> str:
    return str(client.create_model_version(REGISTERED_NAME, source, run_id).version)


def champion(store: TrackingStore) -> str | None:
    """Return the version that the alias `champion` names, None where it names none."""
    client = _client(store)
    if not client.search_registered_models(f"name = '{REGISTERED_NAME}'"):
        return None
    aliases = client.get_registered_model(REGISTERED_NAME).aliases
    return str(aliases[ALIAS]) if ALIAS in aliases else None


def move_alias(store: TrackingStore, version: str) -> None:
    """Let the alias `champion` name a version that is registered."""
    _client(store).set_registered_model_alias(REGISTERED_NAME, ALIAS, version)


def log_backtest(store: TrackingStore, name: str, metrics: list[dict[str, Any]]) -> None:
    """Log a backtest as one run: its metrics by task, model, horizon and cutoff, and the table."""
    _client(store)
    with mlflow.start_run(experiment_id=_experiment(store), run_name=f"backtest {name}"):
        mlflow.log_table(pd.DataFrame(metrics), "metrics.json")
        mlflow.log_metrics(dict(_named_metrics(metrics)))


def _named_metrics(metrics: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    named = (
        *("log_loss", "auc", "rmse", "wape", "predicted_actual", "decile_error"),
        "poisson_deviance",
    )
    for row in metrics:
        place = [row["model"], row["task"], row.get("statistic", ""), f"{row['months']}m"]
        place.append(str(row["cutoff"])[:10])
        for metric in named:
            if row.get(metric) is not None:
                yield ".".join([*filter(None, place), metric]), float(row[metric])


def _client(store: TrackingStore) -> mlflow.MlflowClient:
    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    if store.artifacts is not None:
        store.artifacts.mkdir(parents=True, exist_ok=True)
    _set_tracking_uri(store.uri)
    return mlflow.MlflowClient()


def _set_tracking_uri(uri: str) -> None:
    """Point MLflow at a store; the environment stays what the user made it.

    MLflow would leave the URI there, and the next workspace of this process would be tracked in
    the store of the first.
    """
    named = os.environ.pop(_TRACKING_URI, None)
    mlflow.set_tracking_uri(uri)
    os.environ.pop(_TRACKING_URI, None)
    if named is not None:
        os.environ[_TRACKING_URI] = named


def _experiment(store: TrackingStore) -> str:
    found = mlflow.get_experiment_by_name(_EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    location = store.artifacts.resolve().as_uri() if store.artifacts else None
    return str(mlflow.create_experiment(_EXPERIMENT, artifact_location=location))


def _run_name(bundle: Bundle) -> str:
    return f"train {datetime_of(bundle.cutoff):%Y-%m-%d}"


def _parameters(bundle: Bundle) -> Mapping[str, Any]:
    business = bundle.business.model_dump(mode="json")
    parts: dict[str, Any] = {
        **{f"business.{name}": value for name, value in business.items()},
        "cutoff": datetime_of(bundle.cutoff).isoformat(),
        "observed_from": datetime_of(bundle.observed_from).isoformat(),
        "data_fingerprint": bundle.data_fingerprint,
        "n_customers": bundle.n_customers,
        "n_signals": len(bundle.model.signals),
        "longest_month": bundle.longest_month,
    }
    if isinstance(bundle.model, SubscriptionModel):
        hazard = bundle.model.hazard
        parts |= {f"anchor.{name}": value for name, value in vars(hazard.anchor).items()}
        parts |= {f"calibration.{name}": v for name, v in vars(hazard.calibration).items()}
        parts["trees"] = hazard.booster.num_boosted_rounds() if hazard.booster else 0
    else:
        bg_nbd = bundle.model.counts.bg_nbd
        parts |= {f"counts.{name}": value for name, value in vars(bg_nbd).items()}
        parts |= {f"basket.{name}": value for name, value in vars(bundle.model.basket).items()}
    return parts


def _signature() -> ModelSignature:
    texts = ("event_id", "customer_id", "kind", "occurred_at", "recorded_at", "label")
    optional = ("effective_at", "subscription_id", "basket_id")
    columns = [
        *(ColSpec(DataType.string, name) for name in texts),
        ColSpec(DataType.double, "amount"),
        *(ColSpec(DataType.string, name, required=False) for name in optional),
        ColSpec(DataType.double, "list_amount", required=False),
        ColSpec(DataType.double, "term_months", required=False),
    ]
    return ModelSignature(inputs=Schema(columns))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
