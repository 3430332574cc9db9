"""`keepworth score`: the whole portfolio valued, as files and as a report."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from rich.console import Console

from features.ingest.lock import writing
from features.instants import datetime_of
from features.whole_files import whole_file
from serving.commands.answer import Answer
from serving.commands.backtest import newest_metrics
from serving.commands.engines import Engine, require_local, scored_elsewhere, valued_by_spark
from serving.commands.explained import explained_rows, show_explained, with_reasons
from serving.commands.instants import as_of_or_default
from serving.commands.portfolio import SHARE_OF_SCORING, valued
from serving.commands.portfolio_file import Scored, totals_of, write_portfolio
from serving.commands.progress import progress_bar
from serving.report.content import ReportInput, render_report
from serving.store.serving_version import load_version
from serving.workspace import Workspace, open_workspace
from training.bundle import Bundle
from training.changes import CHANGE_COLUMNS
from training.known import observed_bounds
from training.score_sums import ScoreSums, equity_interval, sums_of

_ROWS_AT_ONCE = 10_000
_LISTS = ("survival", "expected_margin", "reasons", "warnings")


def score_portfolio(  # noqa: PLR0913, PLR0917 -- the options of the command
    path: Path | None,
    as_of: str | None,
    model: str | None,
    workers: int | None = None,
    engine: Engine = "local",
    explain: int = 0,
) -> Answer:
    """Score everybody; write `scores/<as_of>/` and `reports/<as_of>/report.html`.

    `explain` customers, those with most value at stake who have not given notice, get reasons.
    """
    workspace = open_workspace(path)
    if engine == "spark":
        require_local("--workers", workers)
        require_local("--explain", explain or None, "leave it out, or use --engine local")
        if workspace.configuration.spark.output:
            return _scored_elsewhere(workspace, as_of, model)
    moment = as_of_or_default(workspace, as_of)
    bundle = load_version(workspace.store, model)
    with writing(workspace.state), progress_bar() as tell:
        if engine == "spark":
            portfolio = valued_by_spark(workspace, model, moment, tell)
        else:
            portfolio = valued(workspace, bundle, moment, workers, tell)
        table = portfolio.table
        if explain:
            tell(f"explaining {explain:,} customers", SHARE_OF_SCORING)
            table = with_reasons(table, workspace.log(), bundle, moment, explain)
        files = _written(workspace, moment, table)
        tell("writing the report", SHARE_OF_SCORING)
        report = workspace.of_as_of("reports", moment) / "report.html"
        report.parent.mkdir(parents=True, exist_ok=True)
        sums = sums_of(portfolio.table, bundle)
        page = render_report(_report_input(workspace, bundle, table, portfolio.changes, sums))
        with whole_file(report) as draft:
            draft.write_text(page, encoding="utf-8")
        found = Scored(table, portfolio.changes)
        kept = write_portfolio(workspace, bundle, moment, datetime.now(UTC), sums, found)
    summary = {"as_of": moment.isoformat()} | totals_of(sums, bundle)
    explained = explained_rows(table)
    places = {"scores": [str(file) for file in files], "portfolio": str(kept)}
    places |= {"report": str(report)}
    content = summary | {"explained": explained} | places
    return Answer(
        content, lambda console: _show(console, summary, explained, [*files, kept, report])
    )


def _scored_elsewhere(workspace: Workspace, as_of: str | None, model: str | None) -> Answer:
    """Score into `spark.output`: Parquet alone, as no machine need hold the whole portfolio."""
    bundle = load_version(workspace.store, model)
    with writing(workspace.state), progress_bar() as tell:
        moment, place, sums = scored_elsewhere(workspace, model, as_of, tell)
        kept = write_portfolio(workspace, bundle, moment, datetime.now(UTC), sums, None)
    summary = {"as_of": moment.isoformat()} | totals_of(sums, bundle)
    places = {"scores": [place], "portfolio": str(kept), "report": None}
    content = summary | {"explained": []} | places
    return Answer(content, lambda console: _show(console, summary, [], [place, kept]))


def _show(
    console: Console,
    summary: dict[str, Any],
    explained: list[dict[str, Any]],
    written: Sequence[Path | str],
) -> None:
    show_summary(console, summary, summary["currency"])
    if explained:
        show_explained(console, explained, summary["currency"])
    for place in written:
        console.print(f"wrote {place}", soft_wrap=True)


def show_summary(console: Console, summary: dict[str, Any], currency: str) -> None:
    """Print what the portfolio is worth."""
    console.print(
        f"As of {summary['as_of'][:10]}, {summary['customers']:,} customers are worth "
        f"{summary['customer_equity']:,.0f} {currency} over {summary['horizon_months']} months "
        f"(customer equity), {summary['mean_clv']:,.2f} each; model version "
        f"{summary['model_version']}.",
        style="bold",
    )
    console.print(_interval_in_words(summary, currency))
    console.print(
        f"{summary['loss_makers']:,} of them are worth less than nothing, together "
        f"{summary['loss']:,.0f} {currency}; {summary['lost']:,} customers are lost already."
    )
    outside = summary["outside_training"]
    if outside:
        console.print(
            f"{outside:,} {'customer lies' if outside == 1 else 'customers lie'} outside what "
            "training saw; their `warnings` say by what."
        )
    share = summary["equity_beyond_longest_month"]
    if share:
        console.print(
            f"{share:,.0f} {currency} of it lies beyond month {summary['longest_month']}, the "
            "longest that training saw."
        )


def _interval_in_words(summary: dict[str, Any], currency: str) -> str:
    low, high = summary["customer_equity_low"], summary["customer_equity_high"]
    if low is None:
        return (
            "No interval of the total can be relied on here: history is too short to calibrate "
            "one, or earlier forecasts erred too differently."
        )
    return (
        f"With a probability of 80% the total comes out between {low:,.0f} and {high:,.0f} "
        f"{currency}, going by how earlier forecasts of it erred."
    )


def _written(workspace: Workspace, as_of: datetime, table: pa.Table) -> list[Path]:
    folder = workspace.of_as_of("scores", as_of)
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / "scores.parquet") as draft:
        pq.write_table(table, draft, compression="zstd")
    with whole_file(folder / "scores.csv") as draft:
        _write_csv(table, draft)
    return [folder / "scores.parquet", folder / "scores.csv"]


def _write_csv(table: pa.Table, path: Path) -> None:
    """Write some customers at a time: lists as text take many times the room of the table."""
    schema = _flat(table.slice(0, 0)).schema
    with pyarrow.csv.CSVWriter(path, schema) as writer:
        for first in range(0, table.num_rows, _ROWS_AT_ONCE):
            writer.write_table(_flat(table.slice(first, _ROWS_AT_ONCE)))


def _flat(table: pa.Table) -> pa.Table:
    """Return the table with lists as JSON text, for CSV."""
    for name in _LISTS:
        texts = pd.Series(table.column(name).to_pylist(), dtype=object).map(_as_json)
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(texts, pa.string()))
    return table


def _as_json(values: list[Any] | None) -> str | None:
    return None if values is None else json.dumps(values)


def _report_input(
    workspace: Workspace,
    bundle: Bundle,
    table: pa.Table,
    changes: pd.DataFrame,
    sums: ScoreSums,
) -> ReportInput:
    customers = workspace.log().read_customers().to_pandas()
    wanted = ["customer_id", "acquisition_channel", "acquisition_cost"]
    return ReportInput(
        business=bundle.business,
        scores=table.to_pandas(),
        changes=changes[list(CHANGE_COLUMNS)],
        customers=customers.reindex(columns=wanted),
        backtest=newest_metrics(workspace),
        longest_month=bundle.longest_month,
        data_until=datetime_of(observed_bounds(workspace.log(), bundle.business)[1]),
        title=workspace.folder.name,
        equity_interval=equity_interval(sums, bundle),
    )
