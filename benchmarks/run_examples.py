"""Run every example whose data is here, and write its figures into its README.

    python benchmarks/run_examples.py [NAME ...]

For each example: init, ingest, backtest, train, score, through the command line, in a new folder
below `work/`. What follows "## Figures" in examples/NAME/README.md is replaced by what came out.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("complete_journey", "cdnow", "fightchurn_crm5", "cas_uslapseagent")
MARK = "## Figures\n"
NOT_FOUND = 4
CHURN = {"log_loss": "log-loss", "auc": "AUC", "predicted_actual": "pred/actual"}
VALUE = {
    "rmse": "RMSE",
    "wape": "WAPE",
    "normalised_gini": "Gini",
    "decile_error": "decile error",
    "predicted_actual": "pred/actual",
}


def main() -> None:
    """Run the examples named on the command line, or all of them."""
    for name in sys.argv[1:] or NAMES:
        figures = run_example(name)
        if figures is None:
            print(f"{name}: its data is not here, left out")
            continue
        readme = ROOT / "examples" / name / "README.md"
        head = readme.read_text().partition(MARK)[0]
        readme.write_text(f"{head}{MARK}\n{figures}")
        print(f"{name}: figures written to {readme.relative_to(ROOT)}")


def run_example(name: str) -> str | None:
    """Return the figures of one example as Markdown; None where its data is not here."""
    folder = ROOT / "work" / name
    shutil.rmtree(folder, ignore_errors=True)
    began = time.monotonic()
    if keepworth("init", str(folder), "--example", name) is None:
        return None
    outcome = {
        command: required(command, folder) for command in ("ingest", "backtest", "train", "score")
    }
    seconds = time.monotonic() - began
    lines = [
        (
            "Written by `make backtest-examples`; everything from ingest to score took "
            f"{seconds:.0f} s on two shared cores."
        ),
        "",
        portfolio(outcome["ingest"], outcome["score"]),
        "",
        *tables(outcome["backtest"]["metrics"]),
    ]
    return "\n".join(lines) + "\n"


def portfolio(ingested: dict[str, Any], scored: dict[str, Any]) -> str:
    """Return the sentence that says what came out."""
    return (
        f"{ingested['new']:,} events of {ingested['customers']:,} customers, "
        f"{ingested['quarantined']:,} rows in quarantine. As of {scored['as_of'][:10]}, "
        f"{scored['customers']:,} customers are worth {scored['customer_equity']:,.0f} "
        f"{scored['currency']} over {scored['horizon_months']} months{interval(scored)}."
    )


def interval(scored: dict[str, Any]) -> str:
    """Return how far the total may be off, in words; nothing where nobody knows."""
    low, high = scored["customer_equity_low"], scored["customer_equity_high"]
    return "" if low is None else f" (80% interval: {low:,.0f} to {high:,.0f})"


def tables(metrics: list[dict[str, Any]]) -> list[str]:
    """Return the two tables of a backtest, best figures of each window in bold."""
    churn = [row for row in metrics if row["task"] == "churn"]
    value = [row for row in metrics if row.get("statistic") == "mean"]
    held = [row for row in metrics if row["task"] == "interval"]
    return [
        "**P(gone)** beside the naive rates and the peers:",
        "",
        *table(churn, CHURN),
        "",
        "**Undiscounted margin over the months** beside formulas and peers on equal terms:",
        "",
        *table(value, VALUE),
        "",
        "**Intervals** of that margin: the share of customers whose margin 80% intervals hold.",
        "",
        *coverage(held),
    ]


def coverage(rows: list[dict[str, Any]]) -> list[str]:
    """Return a Markdown table of what intervals held."""
    if not rows:
        return ["History is too short here to calibrate any."]
    head = ["from", "months", "customers", "held", "worst tenth", "of those who left", "mean width"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        worst = min(share for share in row["coverage_by_tenth"] if share is not None)
        left = "" if row["coverage_left"] is None else f"{row['coverage_left']:.2f}"
        figures = [f"{row['coverage']:.2f}", f"{worst:.2f}", left, f"{row['mean_width']:,.4g}"]
        window = [row["cutoff"][:10], str(row["months"]), f"{row['n_customers']:,}"]
        lines.append("| " + " | ".join([*window, *figures]) + " |")
    return lines


def table(rows: list[dict[str, Any]], columns: dict[str, str]) -> list[str]:
    """Return a Markdown table."""
    head = ["from", "months", "model", *columns.values()]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        window = [r for r in rows if (r["cutoff"], r["months"]) == (row["cutoff"], row["months"])]
        model = row["model"].replace("naive_", "").replace("_", " ")
        figures = [shown(row, window, name) for name in columns]
        lines.append(
            "| " + " | ".join([row["cutoff"][:10], str(row["months"]), model, *figures]) + " |"
        )
    return lines


def shown(row: dict[str, Any], window: list[dict[str, Any]], name: str) -> str:
    """Return a figure, in bold where no other of the window is better."""
    if row[name] is None:
        return ""
    text = f"{row[name]:,.4g}"
    costs = [cost(other[name], name) for other in window if other[name] is not None]
    return f"**{text}**" if cost(row[name], name) <= min(costs) else text


def cost(figure: float, name: str) -> float:
    """Return how bad a figure is: ranks count high, ratios by their distance from 1."""
    if name in ("auc", "normalised_gini"):
        return -figure
    return abs(figure - 1) if name == "predicted_actual" else figure


def required(command: str, folder: Path) -> dict[str, Any]:
    """Run a command on a workspace and return its answer; stop if it fails."""
    print(f"{folder.name}: {command}", flush=True)
    answer = keepworth(command, "-C", str(folder))
    if answer is None:
        raise SystemExit(f"{folder.name}: {command} did not find what it needs")
    return answer


def keepworth(*arguments: str) -> dict[str, Any] | None:
    """Return the JSON answer of a command; None where it says "not found"."""
    program = Path(sys.executable).with_name("keepworth")
    done = subprocess.run(  # noqa: S603 -- our own command
        [program, *arguments, "--json"], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode == NOT_FOUND:
        return None
    if done.returncode:
        raise SystemExit(f"keepworth {' '.join(arguments)}: {done.stdout}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


if __name__ == "__main__":
    main()
