"""`keepworth features`: the signals of every customer, and the catalogue of signals."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from features.catalogue import Vocabulary, catalogue
from features.ingest.lock import writing
from features.mistakes import ConfigurationError
from features.signal import Signal
from features.snapshots import write_snapshot
from features.vocabulary import vocabulary_of
from serving.commands.answer import Answer
from serving.commands.instants import as_of_or_default
from serving.commands.progress import progress_bar
from serving.workspace import as_of_name, open_workspace

_RISK = {"rises": "a rise means more risk", "falls": "a rise means less risk", "depends": ""}


def write_features(path: Path | None, as_ofs: list[str]) -> Answer:
    """Write one snapshot an `as_of` below `state/snapshots/`."""
    workspace = open_workspace(path)
    configuration, log = workspace.configuration, workspace.log()
    instants = [as_of_or_default(workspace, text) for text in as_ofs or (None,)]
    with writing(workspace.state), progress_bar() as tell:
        written = []
        for number, as_of in enumerate(instants):
            tell(f"features as of {as_of:%Y-%m-%d}", number / len(instants))
            folder = workspace.state / "snapshots" / as_of_name(as_of)
            attributes = configuration.features.attributes
            written.append(write_snapshot(log, configuration.business, attributes, as_of, folder))

    def show(console: Console) -> None:
        for snapshot in written:
            console.print(
                f"{snapshot.as_of:%Y-%m-%d}: {snapshot.customers:,} customers, "
                f"{snapshot.signals} signals in {snapshot.folder}",
                soft_wrap=True,
            )

    return Answer(
        {
            "snapshots": [
                {
                    "as_of": snapshot.as_of.isoformat(),
                    "folder": str(snapshot.folder),
                    "customers": snapshot.customers,
                    "signals": snapshot.signals,
                }
                for snapshot in written
            ]
        },
        show,
    )


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
        vocabulary = vocabulary_of(log, configuration.features.attributes, as_of)
    return catalogue(configuration.business.contract, vocabulary)
