"""`keepworth audit`: who did what of consequence, and who was told of which customers."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from serving.commands.answer import Answer
from serving.commands.instants import instant_option
from serving.store.audit import Entry, count_reads, find_entries, forget_reads
from serving.workspace import open_workspace

_DIGEST_SHOWN = 12


def listing(
    path: Path | None, most: int, since: str | None, actor: str | None, customer: str | None
) -> Answer:
    """List the newest entries; a customer is looked for by the digest of the id."""
    workspace = open_workspace(path)
    subject = None if customer is None else workspace.log().erased.digest_of(customer)
    begins = None if since is None else instant_option("--since", since)
    entries = find_entries(workspace.store, most, begins, actor, subject)
    content = {"reads": count_reads(workspace.store), "entries": [asdict(one) for one in entries]}
    return Answer(content, lambda console: _show(console, entries))


def forget(path: Path | None, before: str) -> Answer:
    """Forget the reads before an instant, on record; acts stay."""
    instant = instant_option("--before", before)
    gone = forget_reads(open_workspace(path).store, instant, datetime.now(UTC))

    def show(console: Console) -> None:
        console.print(f"{gone:,} reads before {instant:%Y-%m-%d %H:%M} UTC are forgotten.")

    return Answer({"forgotten": gone, "before": instant.isoformat()}, show)


def _show(console: Console, entries: list[Entry]) -> None:
    if not entries:
        console.print("Nothing of that is on record.")
        return
    table = Table("at (UTC)", "who", "what", "customers or subject", "call")
    for entry in entries:
        table.add_row(entry.at[:19], entry.actor, entry.what, _about(entry), entry.request_id or "")
    console.print(table)


def _about(entry: Entry) -> str:
    first = entry.subjects[0] if entry.subjects else ""
    if entry.customers is None:
        return first
    more = f" and {entry.customers - 1:,} more" if entry.customers > 1 else ""
    return f"{first[:_DIGEST_SHOWN]}{more}"
