"""What a promotion puts on record, and the alias in MLflow that follows it."""

import getpass
from collections.abc import Mapping
from typing import Any

from features.instants import datetime_of
from serving.store.audit import COMMAND_LINE
from serving.workspace import Workspace
from training.bundle import Bundle


def this_person() -> str:
    """Return who acts: the command line, and the account it runs under."""
    try:
        return f"{COMMAND_LINE}, {getpass.getuser()}"
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return COMMAND_LINE


def facts_of(bundle: Bundle, **beside: Any) -> Mapping[str, Any]:
    """Return what a version was trained on, for the record of what served."""
    return {
        "trained_until": datetime_of(bundle.cutoff).isoformat(),
        "data_fingerprint": bundle.data_fingerprint,
        "n_customers": bundle.n_customers,
        **beside,
    }


def mirror_in_registry(workspace: Workspace, version: str) -> list[str]:
    """Move MLflow's alias to what serves; return a warning where that cannot be done."""
    from training.tracking import embedded_store, move_alias

    try:
        move_alias(embedded_store(workspace.folder), version)
    except Exception as error:  # noqa: BLE001 -- whatever MLflow's store raises, it is away
        said = (
            f"Version {version} serves, but MLflow's alias could not follow "
            f"({type(error).__name__}); `keepworth promote {version}` tries that again."
        )
        return [said]
    return []
