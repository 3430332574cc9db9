"""Tracking in MLflow: what a version was trained on, how it did, and the version itself.

The embedded store lies in `mlruns/` of the workspace; `MLFLOW_TRACKING_URI` names another.
"""

import hashlib
import logging
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo
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
KEY_TAG = "keepworth.key"
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


@dataclass(frozen=True)
class Registration:
    """Hold what is to be registered: a bundle, the folder it was saved in, and how it did.

    `key` identifies the work that made it: registered again under the same key, it is the same
    version. An empty key is that of no work.
    """

    bundle: Bundle
    folder: Path
    checks: Sequence[Check] = ()
    metrics: Sequence[Mapping[str, Any]] = ()
    key: str = ""


def register(store: TrackingStore, made: Registration, taken: Collection[str] = ()) -> str:
    """Log one run with a bundle, register it, and return its version.

    Versions in `taken` are passed over: a store that is new, or was emptied, counts from 1 again
    where the workspace has versions already. What an earlier try under the same key finished is
    returned, and what it left unfinished is removed.
    """
    client = _client(store)
    experiment = _experiment(store)
    tags = {KEY_TAG: made.key} if made.key else {}
    if made.key:
        if known := _registered_under(client, made.key, taken):
            return known
        _remove_unfinished(client, experiment, made.key)
    if not client.search_registered_models(f"name = '{REGISTERED_NAME}'"):
        client.create_registered_model(REGISTERED_NAME)
    with mlflow.start_run(experiment_id=experiment, run_name=_run_name(made.bundle), tags=tags):
        _log_run(made)
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=training.logged_model.__file__,
            artifacts={"bundle": str(made.folder)},
            model_config={"digest": _sha256(made.folder / "bundle.json")},
            signature=_signature(),
            input_example=example_events(made.bundle.business.contract),
            pip_requirements=[f"keepworth=={installed_version('keepworth')}"],
        )
    return _untaken_version(client, info, tags, taken)


def _log_run(made: Registration) -> None:
    mlflow.log_params(_parameters(made.bundle))
    mlflow.log_dict([signal.name for signal in made.bundle.model.signals], "signals.json")
    mlflow.log_metrics(dict(_named_metrics(made.metrics)))
    for check in made.checks:
        mlflow.log_metrics(
            {f"{check.name}.{name}".replace(" ", "_"): v for name, v in check.metrics().items()}
        )
        stem = check.name.replace(" ", "_")
        mlflow.log_figure(calibration_plot(check), f"{stem}_calibration.png")
        mlflow.log_figure(gain_plot(check), f"{stem}_gain.png")


def _registered_under(client: mlflow.MlflowClient, key: str, taken: Collection[str]) -> str | None:
    """Return the version that was registered under a key, and that nobody has taken up yet."""
    wanted = f"name = '{REGISTERED_NAME}' and tags.`{KEY_TAG}` = '{key}'"
    found = sorted(int(version.version) for version in client.search_model_versions(wanted))
    return next((str(version) for version in found if str(version) not in taken), None)


def _remove_unfinished(client: mlflow.MlflowClient, experiment: str, key: str) -> None:
    """Remove runs under a key, and models they logged, that no version came out of."""
    for run in client.search_runs([experiment], f"tags.`{KEY_TAG}` = '{key}'"):
        for model in client.search_logged_models(
            [experiment], filter_string=f"source_run_id = '{run.info.run_id}'"
        ):
            client.delete_logged_model(model.model_id)
        client.delete_run(run.info.run_id)


def _untaken_version(
    client: mlflow.MlflowClient, info: ModelInfo, tags: Mapping[str, str], taken: Collection[str]
) -> str:
    """Make versions until one is not taken, then remove those that were passed over."""

    def another() -> ModelVersion:
        # A server refuses a logged model as a source unless its id is named beside it.
        return client.create_model_version(
            *(REGISTERED_NAME, info.model_uri, info.run_id),
            tags=dict(tags),
            model_id=info.model_id,
        )

    made = [another()]
    while str(made[-1].version) in taken:
        made.append(another())
    for passed_over in made[:-1]:
        client.delete_model_version(REGISTERED_NAME, passed_over.version)
    return str(made[-1].version)


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


def log_uplift(
    store: TrackingStore,
    name: str,
    parameters: Mapping[str, Any],
    metrics: Mapping[str, float],
    file: Path,
) -> None:
    """Log what a campaign taught as one run: parameters, metrics, and the file that holds it."""
    _client(store)
    with mlflow.start_run(experiment_id=_experiment(store), run_name=f"uplift {name}"):
        mlflow.log_params(dict(parameters))
        mlflow.log_metrics(dict(metrics))
        mlflow.log_artifact(str(file), "uplift")


def _named_metrics(metrics: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, float]]:
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
