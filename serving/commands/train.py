"""`keepworth train`: a new model version that is tracked, registered and serves."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from features.ingest.lock import writing
from features.instants import datetime_of, instant_of
from serving.commands.answer import Answer
from serving.commands.instants import as_of_or_default
from serving.commands.progress import progress_bar
from serving.store.serving_version import ModelVersion, add_version, known_versions
from serving.workspace import Workspace, open_workspace
from training.bundle import Bundle
from training.bundle_files import save_bundle
from training.check import Check
from training.fitting import fit_bundle
from training.known import known_at


def train_version(path: Path | None, as_of: str | None) -> Answer:
    """Fit on what was known at `as_of`, register the version and let it serve."""
    workspace = open_workspace(path)
    cutoff = instant_of(as_of_or_default(workspace, as_of))
    configuration = workspace.configuration
    with writing(workspace.state), progress_bar() as tell:
        tell("fitting", 0.1)
        known = known_at(
            workspace.log(), configuration.business, configuration.features.attributes, cutoff
        )
        bundle, checks = fit_bundle(known)
        tell("registering", 0.8)
        version = _registered(workspace, bundle, checks)
    content = {
        "model_version": version,
        "trained_until": datetime_of(bundle.cutoff).isoformat(),
        "n_customers": bundle.n_customers,
        "n_signals": len(bundle.model.signals),
        "longest_month": bundle.longest_month,
        "data_fingerprint": bundle.data_fingerprint,
        "checks": {check.name: check.metrics() for check in checks},
    }

    def show(console: Console) -> None:
        console.print(
            f"Model version {version} serves: trained on what was known before "
            f"{datetime_of(bundle.cutoff):%Y-%m-%d}, {bundle.n_customers:,} customers, "
            f"{len(bundle.model.signals)} signals, outcomes up to {bundle.longest_month} months "
            "ahead."
        )
        if not checks:
            console.print("Too few outcomes for signals to be trusted: the anchor answers alone.")
        for check in checks:
            figures = ", ".join(f"{name} {value:.4f}" for name, value in check.metrics().items())
            console.print(f"Later part of training, {check.name} by month: {figures}")
        console.print("Next: `keepworth score`; `keepworth backtest` judges it on the past.")

    return Answer(content, show)


def _registered(workspace: Workspace, bundle: Bundle, checks: list[Check]) -> str:
    from training.tracking import embedded_store, register

    fresh = workspace.models / ".fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    digest = save_bundle(bundle, fresh)
    taken = known_versions(workspace.store)
    version = register(embedded_store(workspace.folder), bundle, fresh, checks, taken)
    # A version that was registered but never finished may have left its folder.
    shutil.rmtree(workspace.models / version, ignore_errors=True)
    fresh.rename(workspace.models / version)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    add_version(workspace.store, ModelVersion(version, digest, now))
    return version
