"""A workspace that has ingested one subscriber, whose event has an id of its own."""

from pathlib import Path

import pytest

from tests.serving.commands.small_workspace import (
    CONFIGURATION,
    ONE_SUBSCRIBED,
    write_small_workspace,
)
from tests.serving.commands.terminal import done


@pytest.fixture
def ingested(tmp_path: Path) -> Path:
    """Return the workspace's folder."""
    folder = write_small_workspace(tmp_path / "shop", CONFIGURATION, *ONE_SUBSCRIBED)
    done("ingest", "-C", folder)
    return folder
