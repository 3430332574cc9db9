"""`keepworth score`: the whole portfolio valued, as files and as a report."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rich.console import Console

from features.ingest.lock import writing
from features.instants import datetime_of
from features.whole_files import whole_file
from serving.commands.answer import Answer
from serving.commands.backtest import newest_metrics
from serving.commands.instants import as_of_or_default
from serving.commands.portfolio import SHARE_OF_SCORING, Portfolio, valued
from serving.commands.progress import progress_bar
from serving.report.content import ReportInput, render_report
from serving.store.serving_version import load_version
from serving.workspace import Workspace, open_workspace
from training.bundle import Bundle
from training.changes import CHANGE_COLUMNS
from training.known import observed_bounds
from valuation.equity import customer_equity
from valuation.lifetime_value import clv_beyond

_LISTS = ("survival", "expected_margin", "reasons", "warnings")


def score_portfolio(
    path: Path | None, as_of: str | None, model: str | None, workers: int | None = None
) -> Answer:
    """Score everybody; write `scores/<as_of>/` and `reports/<as_of>/report.html`."""
    workspace = open_workspace(path)
    moment = as_of_or_default(workspace, as_of)
    bundle = load_version(workspace.state, model)
    with writing(workspace.state), progress_bar() as tell:
        portfolio = valued(workspace, bundle, moment, workers, tell)
        files = _written(workspace, moment, portfolio.table)
        tell("writing the report", SHARE_OF_SCORING)
        report = workspace.of_as_of("reports", moment) / "report.html"
        report.parent.mkdir(parents=True, exist_ok=True)
        page = render_report(_report_input(workspace, bundle, portfolio))
        with whole_file(report) as draft:
            draft.write_text(page, encoding="utf-8")
    summary = _summary(portfolio.table, bundle, moment)
    places = {"scores": [str(file) for file in files], "report": str(report)}

    def show(console: Console) -> None:
        show_summary(console, summary, bundle.business.currency)
        for file in (*files, report):
            console.print(f"wrote {file}", soft_wrap=True)

    return Answer(summary | places, show)


def show_summary(console: Console, summary: dict[str, Any], currency: str) -> None:
    """Print what the portfolio is worth."""
    console.print(
        f"As of {summary['as_of'][:10]}, {summary['customers']:,} customers are worth "
        f"{summary['customer_equity']:,.0f} {currency} over {summary['horizon_months']} months "
        f"(customer equity), {summary['mean_clv']:,.2f} each; model version "
        f"{summary['model_version']}.",
        style="bold",
    )
    console.print(
        f"{summary['loss_makers']:,} of them are worth less than nothing, together "
        f"{summary['loss']:,.0f} {currency}; {summary['lost']:,} customers are lost already."
    )
    share = summary["equity_beyond_longest_month"]
    if share:
        console.print(
            f"{share:,.0f} {currency} of it lies beyond month {summary['longest_month']}, the "
            "longest that training saw."
        )


def _summary(table: pa.Table, bundle: Bundle, as_of: datetime) -> dict[str, Any]:
    status = np.array(table.column("status").to_pylist(), dtype=object)
    there = status == "active"
    value = table.column("clv").to_numpy()[there]
    return {
        "as_of": as_of.isoformat(),
        "model_version": bundle.version,
        "currency": bundle.business.currency,
        "horizon_months": bundle.business.horizon_months,
        "customers": int(there.sum()),
        "lost": int((~there).sum()),
        "customer_equity": customer_equity(value),
        "mean_clv": float(value.mean()) if len(value) else 0.0,
        "loss_makers": int((value < 0).sum()),
        "loss": float(value[value < 0].sum()),
        "longest_month": bundle.longest_month,
        "equity_beyond_longest_month": _beyond(table, bundle),
    }


def _beyond(table: pa.Table, bundle: Bundle) -> float:
    margins: NDArray[np.float64] = np.stack(table.column("expected_margin").to_numpy())
    last = min(bundle.longest_month, margins.shape[1])
    return float(clv_beyond(margins, bundle.business.annual_discount_rate, last).sum())


def _written(workspace: Workspace, as_of: datetime, table: pa.Table) -> list[Path]:
    folder = workspace.of_as_of("scores", as_of)
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / "scores.parquet") as draft:
        pq.write_table(table, draft, compression="zstd")
    with whole_file(folder / "scores.csv") as draft:
        pyarrow.csv.write_csv(_flat(table), draft)
    return [folder / "scores.parquet", folder / "scores.csv"]


def _flat(table: pa.Table) -> pa.Table:
    """Return the table with lists as JSON text, for CSV."""
    for name in _LISTS:
        texts = pd.Series(table.column(name).to_pylist(), dtype=object).map(_as_json)
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(texts, pa.string()))
    return table


def _as_json(values: list[Any] | None) -> str | None:
    return None if values is None else json.dumps(values)


def _report_input(workspace: Workspace, bundle: Bundle, portfolio: Portfolio) -> ReportInput:
    customers = workspace.log().read_customers().to_pandas()
    wanted = ["customer_id", "acquisition_channel", "acquisition_cost"]
    return ReportInput(
        business=bundle.business,
        scores=portfolio.table.to_pandas(),
        changes=portfolio.changes[list(CHANGE_COLUMNS)],
        customers=customers.reindex(columns=wanted),
        backtest=newest_metrics(workspace),
        longest_month=bundle.longest_month,
        data_until=datetime_of(observed_bounds(workspace.log(), bundle.business)[1]),
        title=workspace.folder.name,
    )
