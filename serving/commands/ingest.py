"""`keepworth ingest`: from sources to the log, with figures a finance person can reconcile."""

from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from features.blocks import blocks
from features.ingest.report import IngestReport
from features.ingest.run import ingest
from features.monthly import MonthlyFigures, monthly_figures
from serving.commands.answer import Answer
from serving.commands.progress import progress_bar
from serving.workspace import Workspace, open_workspace
from training.known import observed_bounds

_MONTHS_SHOWN = 13


def ingest_sources(path: Path | None) -> Answer:
    """Ingest all sources of a workspace and account for every row."""
    workspace = open_workspace(path)
    configuration = workspace.configuration
    with progress_bar() as tell:
        report = ingest(
            workspace.folder,
            workspace.state,
            configuration.sources,
            configuration.business,
            configuration.ingest,
            attributes=configuration.features.attributes,
            progress=tell,
        )
        tell("adding up months", 1.0)
        months = figures_of(workspace)
    content = report.as_dict() | {"months": [asdict(month) for month in months]}

    def show(console: Console) -> None:
        show_report(console, report)
        show_months(console, months, workspace)

    return Answer(content, show)


def figures_of(workspace: Workspace) -> list[MonthlyFigures]:
    """Return the monthly figures of the whole log, over the time of observation."""
    business, log = workspace.configuration.business, workspace.log()
    since, until = observed_bounds(log, business)
    histories = (block.history for block in blocks(log, business, []))
    return monthly_figures(histories, business, since, until)


def show_report(console: Console, report: IngestReport) -> None:
    """Print what became of every row."""
    console.print(report.summary(), style="bold")
    if report.span:
        first, last = report.span
        console.print(
            f"{report.customers:,} customers, events from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
        )
    kinds = Table("kind", "rows in the log", title="Events by kind", title_justify="left")
    for kind, rows in sorted(report.rows_by_kind.items(), key=lambda item: -item[1]):
        kinds.add_row(kind, f"{rows:,}")
    _right_align(kinds, 1)
    console.print(kinds)
    if report.reasons:
        reasons = Table("source", "kind", "rows", "for example", title_justify="left")
        reasons.title = f"Quarantined, kept in {report.quarantine_file}"
        for reason in report.reasons:
            reasons.add_row(reason.source, reason.kind or "", f"{reason.rows:,}", reason.example)
        _right_align(reasons, 2)
        console.print(reasons)
    for oddity in report.oddities:
        examples = ", ".join(
            f"{event.event_id} of {event.customer_id}" for event in oddity.examples
        )
        console.print(f"odd: {oddity.what}: {oddity.count:,} (for example event {examples})")


def show_months(console: Console, months: list[MonthlyFigures], workspace: Workspace) -> None:
    """Print the latest months."""
    business = workspace.configuration.business
    is_shop = business.contract == "transactional"
    money = "sales" if is_shop else "MRR at end"
    headings = ["month", "buyers" if is_shop else "active at end", f"{money} ({business.currency})"]
    headings += ["sales per buyer"] if is_shop else ["left", "churn", "ARPU"]
    table = Table(*headings, title="By month (UTC)", title_justify="left")
    for month in months[-_MONTHS_SHOWN:]:
        row = [month.month, f"{month.active:,}", f"{month.money:,.2f}"]
        if not is_shop:
            churn = "" if month.churn is None else f"{month.churn:.2%}"
            row += [f"{month.left:,}", churn]
        row.append("" if month.per_active is None else f"{month.per_active:,.2f}")
        table.add_row(*row)
    _right_align(table, *range(1, len(headings)))
    console.print(table)
    if len(months) > _MONTHS_SHOWN:
        console.print(f"{len(months) - _MONTHS_SHOWN} earlier months: add --json")


def _right_align(table: Table, *columns: int) -> None:
    for column in columns:
        table.columns[column].justify = "right"
