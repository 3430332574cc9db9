"""`keepworth retrain`: one decision about a new model version, safe to ask for every night."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from features.mistakes import ConfigurationError, Mistake
from serving.commands.answer import Answer
from serving.commands.progress import progress_bar
from serving.report.wording import Money
from serving.retraining.job import Order, outcome_code, retrain
from serving.retraining.promotions import this_person
from serving.workspace import open_workspace

_HEADLINES = {
    "promoted": "Model version {model_version} serves{instead}.",
    "refused": "Model version {model_version} was trained and does not serve.",
    "not due": "Not due: nothing was trained.",
    "data refused": "The data is not fit to learn from: nothing was trained.",
}
_IF_DRY = {
    "promoted": "A version would be promoted. Nothing was changed.",
    "refused": "A version would be refused. Nothing was changed.",
}


def retrain_workspace(path: Path | None, *, is_dry: bool, is_forced: bool, reason: str) -> Answer:
    """Run the retraining job once; the exit code says what it came to."""
    workspace = open_workspace(path)
    if is_forced and not reason.strip():
        expected = "say why in --reason; it is kept in the record"
        raise ConfigurationError("force needs a reason", [Mistake("--reason", "missing", expected)])
    order = Order(is_dry, is_forced, reason.strip(), this_person())
    with progress_bar() as tell:
        outcome = retrain(workspace, order, datetime.now(UTC), tell)
    return Answer(
        outcome.answer,
        lambda console: _show(console, outcome.answer),
        outcome_code(outcome.name),
    )


def _show(console: Console, answer: dict[str, Any]) -> None:
    name = answer["outcome"]
    headline = _IF_DRY.get(name) if answer["dry_run"] else None
    before = answer["version_before"]
    instead = f" in place of {before}" if before else ""
    said = (headline or _HEADLINES[name]).format(**answer, instead=instead)
    console.print(said, style="bold")
    for reason in answer["reasons"]:
        console.print(
            f"  {'due' if reason['is_due'] else '  -'} {reason['name']}: {reason['found']}"
        )
    gates = [*answer["data_gates"], *answer["gates"]]
    if gates:
        console.print(_table(gates))
    if moved := answer["moved"]:
        console.print(_moved_in_words(moved))
    if answer["note"]:
        console.print(f"What changed, for people: {answer['note']}", soft_wrap=True)
    for warning in answer["warnings"]:
        console.print(f"Warning: {warning}", soft_wrap=True)


def _moved_in_words(moved: dict[str, Any]) -> str:
    money = Money(moved["currency"])
    now = money.total(moved["customer_equity_now"])
    if moved["customer_equity_before"] is None:
        return (
            f"Customer equity is {now}. [business] has changed since the version before was "
            "trained: what moved by that, by new data and by the new model cannot be told apart."
        )
    return (
        f"Customer equity went from {money.total(moved['customer_equity_before'])} to {now}: "
        f"{money.change(moved['by_new_data'])} by new data, "
        f"{money.change(moved['by_new_model'])} by the new model."
    )


def _table(gates: list[dict[str, Any]]) -> Table:
    table = Table("gate", "", "found", "what to do")
    for gate in gates:
        state = Text("open", "green") if gate["passed"] else Text("closed", "bold red")
        table.add_row(gate["gate"], state, gate["found"], gate["way_out"])
    return table
