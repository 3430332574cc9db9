"""`keepworth promote` and `keepworth rollback`: what serves, changed by hand and on record."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from features.instants import datetime_of
from features.mistakes import ConfigurationError, Mistake
from serving.commands.answer import Answer
from serving.retraining.promotions import facts_of, mirror_in_registry, this_person
from serving.store.promoting import (
    Act,
    Action,
    Promotion,
    list_promotions,
    promote_version,
    roll_back,
    version_below,
)
from serving.store.serving_version import list_versions, load_version
from serving.workspace import Workspace, open_workspace
from training.bundle_files import cutoff_of

_NO_REASON = "no reason given"


def promote_by_hand(path: Path | None, version: str | None, reason: str) -> Answer:
    """Let a version serve whose files are those that were registered."""
    workspace = open_workspace(path)
    if version is None:
        expected = "name a version, or give --list to see which there are"
        raise ConfigurationError("which version?", [Mistake("VERSION", "missing", expected)])
    act = _act(workspace, "promote", version, reason)
    change = promote_version(workspace.store, version, act)
    return _answer(workspace, version, change)


def roll_back_by_hand(path: Path | None, reason: str) -> Answer:
    """Let the version serve that did before what serves now."""
    workspace = open_workspace(path)
    version = version_below(list_promotions(workspace.store))
    act = _act(workspace, "rollback", version, reason)
    return _answer(workspace, version, roll_back(workspace.store, version, act))


def list_all(path: Path | None) -> Answer:
    """List the versions, and every change of what serves."""
    workspace = open_workspace(path)
    changes = list_promotions(workspace.store)
    serving = changes[-1].version if changes else None
    versions = [
        {
            "version": known.version,
            "serves": known.version == serving,
            "registered_at": known.registered_at,
            "trained_until": _trained_until(workspace.models / known.version),
        }
        for known in list_versions(workspace.store)
    ]
    content = {"versions": versions, "changes": [asdict(change) for change in changes]}
    return Answer(content, lambda console: _show_all(console, versions, changes))


def _act(workspace: Workspace, action: Action, version: str, reason: str) -> Act:
    """Load the version, so that none is let serve that could not, and say who does what."""
    bundle = load_version(workspace.store, version)
    now = datetime.now(UTC)
    return Act(action, now, reason.strip() or _NO_REASON, this_person(), facts_of(bundle))


def _answer(workspace: Workspace, version: str, change: Promotion | None) -> Answer:
    warnings = mirror_in_registry(workspace, version)
    before = change.version_before if change else version
    content = {
        "model_version": version,
        "version_before": before,
        "changed": change is not None,
        "warnings": warnings,
    }

    def show(console: Console) -> None:
        if change is None:
            console.print(f"Model version {version} serves already; nothing was changed.")
        else:
            instead = f" in place of {before}" if before else ""
            console.print(f"Model version {version} serves{instead}, from the next answer on.")
        for warning in warnings:
            console.print(f"Warning: {warning}", soft_wrap=True)

    return Answer(content, show)


def _trained_until(folder: Path) -> str | None:
    try:
        return datetime_of(cutoff_of(folder)).isoformat()
    except FileNotFoundError:
        return None


def _show_all(console: Console, versions: list[dict[str, Any]], changes: list[Promotion]) -> None:
    table = Table("version", "", "trained until", "registered")
    for version in versions:
        until, made = version["trained_until"] or "files missing", version["registered_at"]
        serves = "serves" if version["serves"] else ""
        table.add_row(version["version"], serves, until[:16], made[:16])
    console.print(table if versions else "There are no versions yet: `keepworth train`.")
    record = Table("when", "what", "version", "before", "who", "why")
    for change in changes:
        before = change.version_before or ""
        record.add_row(
            change.at[:16], change.action, change.version, before, change.actor, change.reason
        )
    if changes:
        console.print(record)
