"""A small simulated operator: ingested, trained and serving, made once for all of these tests."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from features.ingest.run import ingest
from serving.demo.operator import simulate_operator
from serving.store.serving_version import ModelVersion, add_version
from serving.workspace import Workspace, open_workspace
from training.bundle_files import save_bundle
from training.fitting import fit_bundle
from training.known import known_at, observed_bounds

N_CUSTOMERS, MONTHS = 1600, 24
"""Few, but enough exits for the hazard to learn from signals."""


@pytest.fixture(scope="session")
def operator_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace whose version 1 serves; tests leave it as it is.

    Workers of one run share the making: the first makes it, each has a copy of its own.
    """
    own = tmp_path_factory.mktemp("operator") / "own"
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        _make_operator(own)
        return open_workspace(own)
    made = tmp_path_factory.getbasetemp().parent / f"operator-{run}"
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            draft = made.with_suffix(".draft")
            _make_operator(draft)
            draft.rename(made)
    return open_workspace(Path(shutil.copytree(made, own)))


def _make_operator(folder: Path) -> None:
    simulate_operator(N_CUSTOMERS, seed=5, months=MONTHS).write(folder)
    workspace = ingested(folder)
    register(workspace, "1")
    workspace.store.close()


def ingested(folder: Path) -> Workspace:
    """Open the workspace in a folder and read its sources."""
    workspace = open_workspace(folder)
    settings = workspace.configuration
    ingest(folder, workspace.state, settings.sources, settings.business, settings.ingest)
    return workspace


def register(workspace: Workspace, version: str) -> None:
    """Train on all that is observed and let the result serve."""
    settings = workspace.configuration
    cutoff = observed_bounds(workspace.log(), settings.business)[1]
    known = known_at(workspace.log(), settings.business, settings.features.attributes, cutoff)
    bundle, _ = fit_bundle(known)
    digest = save_bundle(bundle, workspace.models / version)
    add_version(workspace.store, ModelVersion(version, digest, "2026-01-01T00:00:00Z"))
