"""The note on a promotion, for people: how customer equity moved, by new data and new model."""

from pathlib import Path

from features.instants import datetime_of
from features.mistakes import MistakenError
from features.whole_files import whole_file
from serving.retraining.promotion_page import promotion_page
from serving.store.serving_version import load_version
from serving.workspace import Workspace
from training.value_moves import value_moves


def write_note(workspace: Workspace, before: str, version: str) -> Path | None:
    """Write the page of a promotion below `reports/`; None where the one before cannot be read."""
    try:
        champion = load_version(workspace.store, before)
    except (MistakenError, OSError):
        return None
    challenger = load_version(workspace.store, version)
    moves = value_moves(workspace.log(), champion, challenger)
    page = promotion_page(moves, champion, challenger, workspace.folder.name)
    folder = workspace.of_as_of("reports", datetime_of(challenger.cutoff))
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / f"promotion-{version}.html") as draft:
        draft.write_text(page, encoding="utf-8")
    return folder / f"promotion-{version}.html"
