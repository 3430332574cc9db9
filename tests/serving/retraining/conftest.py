"""A small steady business whose version 1 serves and is due to be trained again."""

import shutil
from pathlib import Path

import pytest

from serving.store.serving_version import add_version, find_version
from serving.workspace import Workspace, open_workspace
from tests.serving.commands.terminal import done
from tests.serving.retraining.steady import write_steady_workspace
from tests.serving.store.conftest import empty_postgres_url, postgres_url  # noqa: F401 -- fixtures


@pytest.fixture(scope="session")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder; tests leave it as it is."""
    folder = write_steady_workspace(tmp_path_factory.mktemp("steady"))
    done("ingest", "-C", folder)
    done("train", "-C", folder, "--as-of", "2024-03-01")
    return folder


@pytest.fixture
def folder(steady: Path, tmp_path: Path) -> Path:
    """Return a copy with a registry of its own: that of the original names its own places."""
    copy = Path(shutil.copytree(steady, tmp_path / "copy"))
    shutil.rmtree(copy / "mlruns")
    return copy


@pytest.fixture(params=["sqlite", "postgresql"])
def workspace(request: pytest.FixtureRequest, folder: Path) -> Workspace:
    """Return the workspace with its live store on either database."""
    embedded = open_workspace(folder)
    if request.param == "sqlite":
        return embedded
    url = request.getfixturevalue("empty_postgres_url")
    elsewhere = Workspace(embedded.folder, embedded.configuration, url)
    add_version(elsewhere.store, find_version(embedded.store))
    return elsewhere
