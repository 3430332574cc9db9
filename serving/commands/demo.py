"""`keepworth demo`: the whole chain on a simulated operator, held against the truth."""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from features.mistakes import ConfigurationError, Mistake
from serving.api.serve import running_service
from serving.commands.answer import Answer
from serving.commands.backtest import newest_metrics, run_backtest
from serving.commands.features import write_features
from serving.commands.ingest import ingest_sources
from serving.commands.score import score_portfolio
from serving.commands.train import train_version
from serving.demo.comparison import TruthComparison, compare_with_truth
from serving.demo.operator import Operator, simulate_operator
from serving.demo.workspace import is_demo
from serving.workspace import Workspace, open_workspace

_NEXT_DOWN = {"Max": ("Plus", 29.99), "Plus": ("Smart", 19.99), "Smart": ("Basic", 9.99)}


def run_demo(path: Path, n_customers: int, seed: int) -> Answer:
    """Simulate, ingest, train, judge, score, ask a question over HTTP, and tell the truth.

    Raises
    ------
    ConfigurationError
        If the folder holds anything but an earlier demo.
    """
    begun = time.monotonic()
    _require_free(path)
    told = Console(stderr=True, highlight=False)
    with _step(told, f"simulating {n_customers:,} subscribers over three years"):
        operator = simulate_operator(n_customers, seed)
        operator.write(path)
    with _step(told, "ingesting raw files"):
        ingested = ingest_sources(path).content
    with _step(told, "writing signals"):
        written = write_features(path, []).content["snapshots"][0]
    with _step(told, "training"):
        trained = train_version(path, None).content
    with _step(told, "judging two past cutoffs"):
        run_backtest(path, [], [], [])
    with _step(told, "scoring everybody and writing the report"):
        scored = score_portfolio(path, None, None).content
    workspace = open_workspace(path)
    scores = pd.read_parquet(scored["scores"][0])
    with _step(told, "asking the service what a downgrade would do"):
        question = _asked(workspace, operator, scores)
    with _step(told, "comparing with the truth"):
        truth = compare_with_truth(scores, operator.truth)
    content = {
        "simulated": True,
        "workspace": str(path.resolve()),
        "ingest": {name: ingested[name] for name in ("new", "quarantined", "customers")},
        "signals": written["signals"],
        "model_version": trained["model_version"],
        "scores": scored,
        "backtest": newest_metrics(workspace),
        "what_if": question,
        "truth": truth.as_dict(),
        "seconds": round(time.monotonic() - begun, 1),
    }
    return Answer(content, lambda console: _show(console, content, truth))


def _asked(workspace: Workspace, operator: Operator, scores: pd.DataFrame) -> dict[str, Any]:
    """Ask the service about one customer on a dearer plan, and add the true answer."""
    plans = operator.truth.set_index("customer_id")["plan"]
    active = scores[scores["status"] == "active"]
    candidates = active[active["customer_id"].map(plans).isin(["Plus", "Max"])]
    middle = candidates.sort_values(["clv", "customer_id"]).iloc[len(candidates) // 2]
    customer_id = str(middle["customer_id"])
    plan = str(plans[customer_id])
    cheaper, price = _NEXT_DOWN[plan]
    (term,) = operator.terms_left([customer_id])
    move = {"kind": "plan_change", "label": cheaper, "amount": price, "term_months": term}
    events = [{name: value for name, value in move.items() if value is not None}]
    with running_service(workspace) as base_url:
        answer = _posted(f"{base_url}/v1/what-if", {"customer_id": customer_id, "events": events})
    true_before = operator.truth.set_index("customer_id")["clv"][customer_id]
    true_after = operator.truth_after_downgrade([customer_id])["clv"].iloc[0]
    return {
        "customer_id": customer_id,
        "from": plan,
        "to": cheaper,
        "clv_before": answer["before"]["clv"],
        "clv_after": answer["after"]["clv"],
        "difference": answer["difference"],
        "churn_3m_before": answer["before"]["churn_3m"],
        "churn_3m_after": answer["after"]["churn_3m"],
        "true_clv_before": float(true_before),
        "true_clv_after": float(true_after),
    }


def _posted(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 -- our own service on loopback
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        answer: dict[str, Any] = json.load(response)
    return answer


def _show(console: Console, content: dict[str, Any], truth: TruthComparison) -> None:
    scored, asked = content["scores"], content["what_if"]
    console.print("\nA simulated telecom operator: nothing here is real data.", style="bold")
    console.print(
        f"{content['ingest']['new']:,} events of {content['ingest']['customers']:,} customers "
        f"read, {content['ingest']['quarantined']:,} bad rows set aside; "
        f"{content['signals']} signals."
    )
    console.print(
        f"{scored['customers']:,} customers are worth {scored['customer_equity']:,.0f} EUR over "
        f"{scored['horizon_months']} months; {scored['loss_makers']:,} of them cost more than they "
        f"bring ({scored['loss']:,.0f} EUR)."
    )
    levers = asked["difference"]
    console.print(
        f"\nWhat if {asked['customer_id']} moved from {asked['from']} to {asked['to']} today?",
        style="bold",
    )
    console.print(
        f"CLV falls from {asked['clv_before']:,.2f} to {asked['clv_after']:,.2f} EUR: "
        f"{levers['time']:+,.2f} by the time they stay, {levers['value']:+,.2f} by the value of a "
        f"month; risk of leaving in three months {asked['churn_3m_before']:.1%} -> "
        f"{asked['churn_3m_after']:.1%}."
        if asked["clv_after"] <= asked["clv_before"]
        else f"CLV rises from {asked['clv_before']:,.2f} to {asked['clv_after']:,.2f} EUR."
    )
    console.print(
        f"The simulator's truth: {asked['true_clv_before']:,.2f} to "
        f"{asked['true_clv_after']:,.2f} EUR."
    )
    console.print("\nHow close the estimates came to the truth", style="bold")
    for line in truth.lines():
        console.print(f"  {line}")
    workspace, programs = content["workspace"], os.path.relpath(Path(sys.executable).parent)
    console.print("\nWhere to look", style="bold")
    console.print(f"  report:      {scored['report']}", soft_wrap=True)
    console.print(f"  scores:      {scored['scores'][1]}", soft_wrap=True)
    console.print(
        f"  tracking UI: {programs}/mlflow ui --backend-store-uri "
        f"sqlite:///{workspace}/mlruns/mlflow.db",
        soft_wrap=True,
    )
    console.print(f"  service:     {programs}/keepworth serve -C {workspace}", soft_wrap=True)
    console.print(f"\nDone in {content['seconds']:.0f} seconds.")


@contextmanager
def _step(console: Console, what: str) -> Iterator[None]:
    began = time.monotonic()
    console.print(f"{what} ...", end=" ")
    yield
    console.print(f"{time.monotonic() - began:.1f} s")


def _require_free(path: Path) -> None:
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not is_demo(path):
        what = "holds files that are no demo's" if path.is_dir() else "is a file"
        expected = "expected a new or empty folder, or that of an earlier demo"
        mistake = Mistake("PATH", f"{path}, which {what}", expected)
        raise ConfigurationError("the demo needs a folder of its own", [mistake])
    _remove_demo(path)


def _remove_demo(path: Path) -> None:
    """Remove what an earlier demo made, and nothing else."""
    import shutil

    for name in ("raw", "state", "scores", "reports", "backtests", "mlruns"):
        shutil.rmtree(path / name, ignore_errors=True)
    for name in ("keepworth.toml", "README.md"):
        (path / name).unlink(missing_ok=True)
