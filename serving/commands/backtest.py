"""`keepworth backtest`: the product beside its peers and the naive formulas, on the past."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from features.ingest.lock import writing
from features.instants import datetime_of
from features.whole_files import whole_file
from serving.commands.answer import Answer
from serving.commands.instants import micros_option
from serving.commands.progress import progress_bar
from serving.report.sections.naive import model_name
from serving.workspace import Workspace, open_workspace
from training.backtest import backtest_at, metrics_of
from training.backtest_plan import PRODUCT, BacktestPlan, plan_backtest
from training.exit_kind_backtest import exit_kind_metrics
from training.peers.registry import fit_peers, peers_of
from training.recipe import known_for, recipe_of
from training.referral_backtest import referral_metrics

NO_PEERS = "none"
_SHOWN = {
    "churn": {"log_loss": "log-loss", "auc": "AUC", "predicted_actual": "pred/actual"},
    "value": {
        "rmse": "RMSE",
        "wape": "WAPE",
        "normalised_gini": "Gini",
        "decile_error": "decile err",
        "predicted_actual": "pred/actual",
    },
    "referral": {
        "n_outcomes": "came",
        "poisson_deviance": "deviance",
        "normalised_gini": "Gini",
        "predicted_actual": "pred/actual",
    },
    "exit_kind": {"n_outcomes": "left", "log_loss": "log-loss"},
}
_TITLES = {
    "churn": "P(gone)",
    "value": "margin",
    "referral": "newcomers brought",
    "exit_kind": "kind of exit",
}


def run_backtest(
    path: Path | None, cutoffs: list[str], months: list[int], peers: list[str]
) -> Answer:
    """Fit and judge at every cutoff; write predictions and metrics below `backtests/`.

    Without names all `peers` that the contract admits are judged, with `none` no peer is.
    """
    workspace = open_workspace(path)
    configuration, log = workspace.configuration, workspace.log()
    contract = configuration.business.contract
    names = () if peers == [NO_PEERS] else peers_of(contract, peers or None)
    wanted = [micros_option("--cutoff", text) for text in cutoffs]
    plan = plan_backtest(log, configuration.business, wanted, months)
    parts = []
    warnings: list[str] = []
    with writing(workspace.state), progress_bar() as tell:
        for number, cutoff in enumerate(plan.cutoffs):
            tell(f"fitting as of {datetime_of(cutoff):%Y-%m-%d}", number / len(plan.cutoffs))
            known = known_for(log, configuration.business, configuration.features, cutoff)
            fitted = fit_peers(known, names)
            warnings.extend(f"{datetime_of(cutoff):%Y-%m-%d}: {one}" for one in fitted.warnings)
            parts.append(backtest_at(known, plan, fitted.peers))
        predictions = pd.concat([part.predictions for part in parts], ignore_index=True)
        referrals = pd.concat([part.referrals for part in parts], ignore_index=True)
        kinds = pd.concat([part.exit_kinds for part in parts], ignore_index=True)
        metrics = [
            *metrics_of(predictions),
            *referral_metrics(referrals),
            *exit_kind_metrics(kinds),
        ]
        content = _content(plan, metrics, warnings)
        tables = {"predictions": predictions, "referrals": referrals, "exit_kinds": kinds}
        folder = _written(workspace, _identity(workspace, plan, names), tables, content)
        _tracked(workspace, folder.name, metrics)
    answer = content | {"folder": str(folder)}

    def show(console: Console) -> None:
        show_metrics(console, metrics)
        for warning in warnings:
            console.print(f"Warning: {warning}", soft_wrap=True)
        console.print(f"Predictions and metrics: {folder}", soft_wrap=True)

    return Answer(answer, show)


def show_metrics(console: Console, metrics: list[dict[str, Any]]) -> None:
    """Print a table a task and cutoff, with the median of the product alone."""
    for task, names in _SHOWN.items():
        for cutoff in sorted({row["cutoff"] for row in metrics}):
            table = Table("months", "model", *names.values(), title_justify="left")
            table.title = f"{_TITLES[task]} over the months from {cutoff[:10]}"
            for row in metrics:
                if (row["task"], row["cutoff"]) == (task, cutoff):
                    _add_row(table, row, list(names))
            for column in table.columns[2:]:
                column.justify = "right"
            if table.rows:
                console.print(table)


def _add_row(table: Table, row: dict[str, Any], names: list[str]) -> None:
    is_median = row.get("statistic") == "median"
    if is_median and row["model"] != PRODUCT:
        return
    model = model_name(row["model"]) + (", median" if is_median else "")
    figures = ["" if row[name] is None else f"{row[name]:,.4g}" for name in names]
    table.add_row(str(row["months"]), model, *figures)


def newest_metrics(workspace: Workspace) -> list[dict[str, Any]] | None:
    """Return the metrics of the backtest that was run last, None where none was."""
    files = list((workspace.folder / "backtests").glob("*/metrics.json"))
    if not files:
        return None
    newest = max(files, key=lambda file: file.stat().st_mtime)
    metrics: list[dict[str, Any]] = json.loads(newest.read_text())["metrics"]
    return metrics


def _content(
    plan: BacktestPlan, metrics: list[dict[str, Any]], warnings: list[str]
) -> dict[str, Any]:
    return {
        "observed_until": datetime_of(plan.observed_until).isoformat(),
        "cutoffs": [datetime_of(cutoff).isoformat() for cutoff in plan.cutoffs],
        "warnings": warnings,
        "metrics": metrics,
    }


def _written(
    workspace: Workspace, name: str, tables: Mapping[str, pd.DataFrame], content: dict[str, Any]
) -> Path:
    folder = workspace.folder / "backtests" / name
    folder.mkdir(parents=True, exist_ok=True)
    for file, table in tables.items():
        if not table.empty:
            with whole_file(folder / f"{file}.parquet") as draft:
                table.to_parquet(draft, index=False)
    text = json.dumps(content, indent=1, allow_nan=False)
    with whole_file(folder / "metrics.json") as draft:
        draft.write_text(text + "\n")
    return folder


def _identity(workspace: Workspace, plan: BacktestPlan, peers: Sequence[str]) -> str:
    """Return a name that the same data, configuration, code, plan and peers always give."""
    business = workspace.configuration.business.model_dump_json()
    recipe = recipe_of(workspace.configuration.features)
    whole = f"{workspace.log().fingerprint}|{business}|{recipe}|{plan}|{peers}"
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return f"{datetime_of(plan.cutoffs[-1]):%Y-%m-%d}-{digest}"


def _tracked(workspace: Workspace, name: str, metrics: list[dict[str, Any]]) -> None:
    from training.tracking import embedded_store, log_backtest

    log_backtest(embedded_store(workspace.folder), name, metrics)
