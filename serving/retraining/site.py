"""Where a retraining works: a folder that goes with its key, and what each stage left in it.

No row of any customer is kept here. A stage that was finished is not done again by a run of the
same key; what another key left is removed.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.whole_files import whole_file
from serving.workspace import Workspace
from training.recipe import recipe_of

_HALF_A_KEY = 8


@dataclass(frozen=True)
class Site:
    """Name the folder of one key."""

    folder: Path

    @property
    def bundle(self) -> Path:
        """Where the challenger lies once it is fitted."""
        return self.folder / "bundle"

    def begin(self) -> None:
        """Make the folder, and remove those of other keys."""
        for other in self.folder.parent.glob("*"):
            if other != self.folder:
                shutil.rmtree(other)
        self.folder.mkdir(parents=True, exist_ok=True)

    def once(self, stage: str, work: Callable[[], Any]) -> Any:
        """Return what a stage found, as JSON holds it; do its work if no run has finished it."""
        place = self.folder / f"{stage}.json"
        if not place.exists():
            found = json.dumps(work(), allow_nan=False, default=str)
            with whole_file(place) as draft:
                draft.write_text(found)
        return json.loads(place.read_bytes())

    def clear(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def site_of(workspace: Workspace, key: str) -> Site:
    """Return where a key's work is done."""
    return Site(workspace.state / "retraining" / key)


def key_of(workspace: Workspace) -> str:
    """Return what identifies data, configuration and code: the same key, the same decision.

    The first half goes by configuration and code, the second by the data.
    """
    configuration = workspace.configuration
    recipe = recipe_of(configuration.features)
    parts = {
        "business": configuration.business.model_dump(mode="json"),
        "features": configuration.features.model_dump(mode="json"),
        "retraining": configuration.retraining.model_dump(mode="json"),
        "code": recipe.code,
        "libraries": recipe.libraries,
    }
    halves = json.dumps(parts, sort_keys=True), workspace.log().fingerprint
    return "".join(hashlib.sha256(half.encode()).hexdigest()[:_HALF_A_KEY] for half in halves)


def differ_by_data_alone(one: str, other: str) -> bool:
    """Return whether two keys are of the same configuration and code."""
    return one[:_HALF_A_KEY] == other[:_HALF_A_KEY]
