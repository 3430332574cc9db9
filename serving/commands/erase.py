"""`keepworth erase`: customers out of everything, with a receipt."""

from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import asdict
from rich.console import Console

from features.ingest.lock import writing
from serving.commands.answer import Answer
from serving.store.audit import COMMAND_LINE
from serving.store.erasing import ELSEWHERE, Receipt, erase_customers
from serving.workspace import open_workspace


def erase(path: Path | None, customer_ids: list[str]) -> Answer:
    """Erase customers from a workspace, and keep their ids out from now on."""
    workspace = open_workspace(path)
    with writing(workspace.state):
        receipt = erase_customers(
            workspace.folder, workspace.store, customer_ids, datetime.now(UTC), COMMAND_LINE
        )

    def show(console: Console) -> None:
        _show(console, receipt)

    return Answer(asdict(receipt) | {"elsewhere": ELSEWHERE}, show)


def _show(console: Console, receipt: Receipt) -> None:
    counts = {
        "events of the log": receipt.events,
        "posted events": receipt.posted_events,
        "decisions of campaigns": receipt.decisions,
        "rows of the customers table": receipt.profiles,
        "names in rows of others": receipt.mentions,
        "rows of the quarantine": receipt.quarantined_rows,
        "rows of scores and backtests": receipt.output_rows,
    }
    found = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    whom = "1 customer" if len(receipt.subjects) == 1 else f"{len(receipt.subjects):,} customers"
    console.print(f"Erased of {whom}: {found or 'nothing was found'}.", style="bold")
    for file in receipt.removed_files:
        console.print(f"removed, to be made again: {file}", soft_wrap=True)
    if receipt.models:
        console.print(
            f"Model versions that saw them in training, and hold no row of anybody: "
            f"{', '.join(receipt.models)}; `keepworth train` makes one that did not."
        )
    if not receipt.is_store_swept:
        console.print(
            "A reader of the live store, such as a backup, kept its files from being overwritten: "
            "run `keepworth drain` when it has ended."
        )
    console.print("They are kept out from now on, on record as:")
    for subject in receipt.subjects:
        console.print(f"  {subject}", soft_wrap=True)
    console.print(ELSEWHERE)
