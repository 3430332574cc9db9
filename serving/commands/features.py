"""`keepworth features`: the signals of every customer, and the catalogue of signals."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from features.asked import Inputs
from features.catalogue import Vocabulary, catalogue
from features.ingest.lock import writing
from features.mistakes import ConfigurationError
from features.signal import Signal
from features.snapshots import SnapshotRun, write_snapshots
from features.vocabulary import vocabulary_of
from serving.commands.answer import Answer
from serving.commands.engines import Engine, require_local, snapshots_by_spark
from serving.commands.instants import as_of_or_default
from serving.commands.progress import progress_bar
from serving.report.wording import count_of
from serving.workspace import Workspace, as_of_name, open_workspace

_RISK = {"rises": "a rise means more risk", "falls": "a rise means less risk", "depends": ""}


def write_features(
    path: Path | None, as_ofs: list[str], workers: int | None = None, engine: Engine = "local"
) -> Answer:
    """Write one snapshot an `as_of` below `state/snapshots/`, unless it is up to date."""
    workspace = open_workspace(path)
    if engine == "spark":
        require_local("--workers", workers)
        with writing(workspace.state), progress_bar() as tell:
            run = snapshots_by_spark(workspace, _inputs(workspace), as_ofs, tell)
    else:
        run = _run_here(workspace, as_ofs, workers)
    return Answer(_content(run), lambda console: _show(console, run))


def _run_here(workspace: Workspace, as_ofs: list[str], workers: int | None) -> SnapshotRun:
    instants = [as_of_or_default(workspace, text) for text in as_ofs or (None,)]
    snapshots = workspace.state / "snapshots"
    folders = {as_of: snapshots / as_of_name(as_of) for as_of in instants}
    with writing(workspace.state), progress_bar() as tell:
        return write_snapshots(_inputs(workspace), folders, workers, tell)


def _inputs(workspace: Workspace) -> Inputs:
    configuration = workspace.configuration
    return Inputs(workspace.log(), configuration.business, tuple(configuration.features.attributes))


def _content(run: SnapshotRun) -> dict[str, Any]:
    return {
        "snapshots": [
            {
                "as_of": snapshot.as_of.isoformat(),
                "folder": str(snapshot.folder),
                "customers": snapshot.customers,
                "signals": snapshot.signals,
                "is_new": snapshot.is_new,
            }
            for snapshot in run.snapshots
        ],
        "events": run.events,
        "seconds": run.seconds,
        "events_per_second": run.events_per_second,
        "workers": run.workers,
        "peak_memory_bytes": run.peak_memory_bytes,
    }


def _show(console: Console, run: SnapshotRun) -> None:
    for snapshot in run.snapshots:
        is_kept = "" if snapshot.is_new else " (up to date)"
        console.print(
            f"{snapshot.as_of:%Y-%m-%d}: {snapshot.customers:,} customers, "
            f"{snapshot.signals} signals in {snapshot.folder}{is_kept}",
            soft_wrap=True,
        )
    if run.events:
        n_new = sum(snapshot.is_new for snapshot in run.snapshots)
        console.print(
            f"{count_of(run.events, 'event')} for {count_of(n_new, 'instant')} in "
            f"{run.seconds:,.1f} s: {run.events_per_second:,.0f} events a second by "
            f"{count_of(run.workers, 'worker')}"
        )
    if run.peak_memory_bytes:
        console.print(f"{run.peak_memory_bytes / 1e6:,.0f} MB of memory at most in one process")


def list_signals(path: Path | None) -> Answer:
    """Print the catalogue: in a workspace in its own words, elsewhere the general one."""
    signals = _signals(path)

    def show(console: Console) -> None:
        table = Table("signal", "what it says", "unit", "group", "risk", show_lines=False)
        for signal in signals:
            table.add_row(
                signal.name, signal.sentence, signal.unit, signal.group, _RISK[signal.risk]
            )
        console.print(table)

    listed = [
        {
            "name": signal.name,
            "sentence": signal.sentence,
            "unit": signal.unit,
            "window_days": signal.window_days,
            "group": signal.group,
            "risk": signal.risk,
            "contracts": list(signal.contracts),
        }
        for signal in signals
    ]
    return Answer({"signals": listed}, show)


def _signals(path: Path | None) -> tuple[Signal, ...]:
    try:
        workspace = open_workspace(path)
    except ConfigurationError:
        if path is not None:
            raise
        both = [*catalogue("subscription", Vocabulary()), *catalogue("transactional", Vocabulary())]
        return tuple({signal.name: signal for signal in both}.values())
    configuration, log = workspace.configuration, workspace.log()
    vocabulary = Vocabulary()
    if log.n_events:
        as_of = as_of_or_default(workspace, None)
        attributes = configuration.features.attributes
        vocabulary = vocabulary_of(log, configuration.business, attributes, as_of)
    return catalogue(configuration.business.contract, vocabulary)
