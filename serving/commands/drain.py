"""`keepworth drain`: what was posted to the service, from the live store into the log."""

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from features.ingest.lock import writing
from serving.commands.answer import Answer
from serving.store.draining import count_waiting, drain
from serving.workspace import open_workspace


def drain_events(path: Path | None) -> Answer:
    """Drain the live store of a workspace, and account for every event."""
    workspace = open_workspace(path)
    with writing(workspace.state):
        drained = drain(workspace.store, datetime.now(UTC))
    waiting = count_waiting(workspace.store)
    files = [str(file) for file in drained.quarantine_files]
    content = {
        "batches": drained.batches,
        "new": drained.new,
        "repeated": drained.repeated,
        "quarantined": drained.quarantined,
        "quarantine_files": files,
        "waiting": waiting,
        "events_in_log": workspace.log().n_events,
    }

    def show(console: Console) -> None:
        total = drained.new + drained.repeated + drained.quarantined
        console.print(
            f"{total:,} posted events drained: {drained.new:,} new in the log, "
            f"{drained.repeated:,} there already, {drained.quarantined:,} quarantined; "
            f"{waiting:,} came meanwhile.",
            style="bold",
        )
        for file in files:
            console.print(f"quarantined, as the log says otherwise: {file}", soft_wrap=True)

    return Answer(content, show)
