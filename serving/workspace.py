"""The workspace: a folder with `keepworth.toml`, and where everything in it lies."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from features.log import Log
from features.mistakes import ConfigurationError, Mistake
from serving.configuration import FILE_NAME, Configuration, read_configuration
from serving.store.database import STORE_URL_VARIABLE, LiveStore

if TYPE_CHECKING:
    from serving.campaigns.taught import Taught


@dataclass(frozen=True)
class Workspace:
    """Hold a workspace's folder and its checked configuration.

    `store_url` says where the live store is, if not in the workspace.
    """

    folder: Path
    configuration: Configuration
    store_url: str | None = None

    @property
    def state(self) -> Path:
        """Where the log, quarantine, snapshots and the live store lie."""
        return self.folder / "state"

    @property
    def models(self) -> Path:
        """Where the bundles lie that `score` and `serve` read, one folder a version."""
        return self.state / "models"

    def response_file(self, campaign: str) -> Path:
        """Return the file of what a campaign's outcomes taught."""
        return self.state / "responses" / f"{name_of_file(campaign)}.json"

    def taught(self, *names: str) -> "dict[str, Taught]":
        """Return what outcomes taught of these campaigns, or of all; raises as `read_taught`."""
        from serving.campaigns.taught import read_taught

        return read_taught(self.response_files(*names))

    def response_files(self, *names: str) -> dict[str, Path]:
        """Return where what was taught of these campaigns, or of all, would lie, by name."""
        asked = names or [each.name for each in self.configuration.campaigns]
        return {name: self.response_file(name) for name in asked}

    @cached_property
    def store(self) -> LiveStore:
        """The live store, opened when it is first asked for."""
        return LiveStore(self.state, self.store_url)

    def log(self) -> Log:
        """Return the log as it stands now."""
        return Log.open(self.state)

    def of_as_of(self, kind: str, as_of: datetime) -> Path:
        """Return the folder of one `as_of` below `scores` or `reports`."""
        return self.folder / kind / as_of_name(as_of)


def open_workspace(path: Path | None) -> Workspace:
    """Open the workspace at a path, or at the nearest parent of this folder that is one.

    Raises
    ------
    ConfigurationError
        If there is no `keepworth.toml`, or it has mistakes.
    """
    folder = (path or _nearest(Path.cwd())).resolve()
    file = folder / FILE_NAME
    if not file.is_file():
        raise ConfigurationError("this is no workspace", [_no_workspace(folder)])
    store_url = os.environ.get(STORE_URL_VARIABLE) or None
    return Workspace(folder, read_configuration(file), store_url)


def name_of_file(name: str) -> str:
    """Return a name, of a campaign say, as one that any file may bear; different ones differ."""
    return quote(name, safe=" ").replace(".", "%2E")


def as_of_name(as_of: datetime) -> str:
    """Return an instant as a folder's name: the date, with the time where it is not midnight."""
    utc = as_of.astimezone(UTC)
    is_midnight = (utc.hour, utc.minute, utc.second, utc.microsecond) == (0, 0, 0, 0)
    return utc.strftime("%Y-%m-%d" if is_midnight else "%Y-%m-%dT%H%M%S.%fZ")


def _no_workspace(folder: Path) -> Mistake:
    if folder.is_file():
        expected = f"expected the folder that holds {FILE_NAME}: -C {folder.parent}"
        return Mistake("workspace", f"{folder}, a file", expected)
    expected = (
        f"expected a folder with {FILE_NAME}; make one with `keepworth init {folder}`, or name "
        "another with -C PATH"
    )
    return Mistake("workspace", str(folder), expected)


def _nearest(folder: Path) -> Path:
    for candidate in (folder, *folder.parents):
        if (candidate / FILE_NAME).is_file():
            return candidate
    return folder
