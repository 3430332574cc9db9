"""From a fitted bundle to a version that is saved and registered, and does not serve yet."""

import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from features.log import Log
from features.sources import FeatureRules
from serving.store.serving_version import ModelVersion, known_versions
from serving.workspace import Workspace
from training.bundle import Bundle
from training.bundle_files import digest_of, save_bundle
from training.recipe import recipe_of, write_recipe
from training.reference_files import write_reference

if TYPE_CHECKING:
    from training.tracking import Registration


def save_whole(bundle: Bundle, rules: FeatureRules, log: Log, folder: Path) -> None:
    """Write into a new folder a bundle, the recipe it came out of, and its reference."""
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    save_bundle(bundle, draft)
    write_recipe(recipe_of(rules, bundle), draft)
    write_reference(bundle, log, draft)
    draft.rename(folder)


def register_version(workspace: Workspace, made: "Registration", now: datetime) -> ModelVersion:
    """Register what lies in a folder, and copy the folder to where versions lie."""
    from training.tracking import embedded_store, register

    digest = digest_of(made.folder)
    version = register(embedded_store(workspace.folder), made, known_versions(workspace.store))
    draft, place = workspace.models / f".{version}.draft", workspace.models / version
    # A version that was registered but never finished may have left its folder.
    for left in (draft, place):
        shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(made.folder, draft)
    draft.rename(place)
    return ModelVersion(version, digest, now.isoformat(timespec="seconds"))
