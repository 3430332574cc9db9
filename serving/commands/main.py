"""The command line `keepworth`: one function a command, thin, importing what it runs on call."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from serving.commands.groups import audit, campaigns, keys, webhooks
from serving.commands.options import (
    AsOfOption,
    EngineOption,
    JsonOption,
    WorkersOption,
    WorkspaceOption,
    finish,
)

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Its bar would run through our own progress.
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "BENTOML_DO_NOT_TRACK": "True",
    # Threads that spin while they wait make training ten times slower on a busy machine.
    "OMP_WAIT_POLICY": "PASSIVE",
}
for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

app = typer.Typer(
    name="keepworth",
    help="Churn-aware customer lifetime value: who may leave, what everyone is worth, what to do.",
    epilog="Start with `keepworth demo`, or with `keepworth init` and your own data.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.command(epilog="Example: keepworth init shop --example cdnow")
def init(
    path: Annotated[Path, typer.Argument(help="Folder to make.")] = Path(),
    example: Annotated[
        str | None,
        typer.Option(
            help="A ready example: complete_journey, cdnow, fightchurn_crm5, cas_uslapseagent."
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Where the example's raw data lies, if not where usual.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a workspace: a keepworth.toml to fill in, or a ready example on real data."""
    from serving.commands.init import init_workspace

    finish(lambda: init_workspace(path, example, data), as_json)


@app.command(epilog="Example: keepworth ingest -C shop")
def ingest(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Read the sources into the log: checked, idempotent, all or nothing."""
    from serving.commands.ingest import ingest_sources

    finish(lambda: ingest_sources(workspace), as_json)


@app.command(epilog="Example: keepworth features --as-of 2024-06-01 --as-of 2024-07-01")
def features(
    as_of: Annotated[
        list[str] | None, typer.Option(help="Instant of knowledge; may be given several times.")
    ] = None,
    listing: Annotated[
        bool, typer.Option("--list", help="Print the catalogue of signals instead.")
    ] = False,
    workers: WorkersOption = None,
    engine: EngineOption = "local",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write every signal of every customer, as known at one or several instants."""
    from serving.commands.features import list_signals, write_features

    if listing:
        finish(lambda: list_signals(workspace), as_json)
    else:
        finish(lambda: write_features(workspace, as_of or [], workers, engine), as_json)


@app.command(epilog="Example: keepworth train --as-of 2024-06-01")
def train(
    as_of: AsOfOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Fit the models, track and register the version, and let it serve."""
    from serving.commands.train import train_version

    finish(lambda: train_version(workspace, as_of), as_json)


@app.command(epilog="Example: keepworth backtest --cutoff 2024-01-01 --months 3 --months 12")
def backtest(
    cutoff: Annotated[
        list[str] | None,
        typer.Option(
            help="Instant to stand at; may be given several times. Default: the last two."
        ),
    ] = None,
    months: Annotated[
        list[int] | None,
        typer.Option(
            help="Months ahead to judge; may be given several times. Default: what fits.",
            min=1,
            max=240,
        ),
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(
            help="Model of others to judge beside the product, such as sbg; may be given several "
            "times. Default: all that suit the contract; none: no peer."
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge the models on the past, beside peers and the formulas people use today."""
    from serving.commands.backtest import run_backtest

    finish(lambda: run_backtest(workspace, cutoff or [], months or [], peer or []), as_json)


@app.command(epilog="Example: keepworth score --as-of 2024-06-01")
def score(
    as_of: AsOfOption = None,
    model: Annotated[
        str | None, typer.Option(help="Model version; by default the one that serves.")
    ] = None,
    explain: Annotated[
        int,
        typer.Option(
            help="Give reasons in words for so many customers: those with most value at stake who "
            "have not given notice, in a shop those of highest CLV. With --engine local alone.",
            min=0,
        ),
    ] = 0,
    workers: WorkersOption = None,
    engine: EngineOption = "local",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Value the whole portfolio: scores as Parquet and CSV, and a report to read."""
    from serving.commands.score import score_portfolio

    finish(lambda: score_portfolio(workspace, as_of, model, workers, engine, explain), as_json)


@app.command(epilog="Example: keepworth serve --port 3000")
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond loopback only with keys.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 3000,
    workers: Annotated[int, typer.Option(help="Worker processes.", min=1, max=64)] = 1,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer over HTTP: scores and what-if questions, and take events."""
    from serving.commands.serve import serve_workspace

    finish(lambda: serve_workspace(workspace, host, port, workers), as_json)


@app.command(epilog="Example: keepworth retrain -C shop --json")
def retrain(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Decide, and promote nothing.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Train though it is not due, and promote though a gate is closed; but for leaks, "
            "and for data that is too little to fit on.",
        ),
    ] = False,
    reason: Annotated[str, typer.Option(help="Why --force; kept in the record.")] = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Retrain if it is due, and promote the version if every gate is open; safe every night.

    Exit codes: 0 promoted, 10 trained and refused, 11 not due, 12 data refused, 5 another run.
    """
    from serving.commands.retrain import retrain_workspace

    finish(
        lambda: retrain_workspace(workspace, is_dry=dry_run, is_forced=force, reason=reason),
        as_json,
    )


@app.command(epilog="Example: keepworth monitor -C shop --json")
def monitor(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Look at drift, at what came of forecasts, and at how fresh the data is; write a page."""
    from serving.commands.monitor import monitor_workspace

    finish(lambda: monitor_workspace(workspace), as_json)


@app.command(epilog='Example: keepworth promote 3 --reason "campaign of June"')
def promote(
    version: Annotated[
        str | None, typer.Argument(help="The version to let serve, as --list shows it.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in the record.")] = "",
    listing: Annotated[
        bool, typer.Option("--list", help="Show the versions, and every change of what serves.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a model version serve, from the next answer on; or list what there is."""
    from serving.commands.promote import list_all, promote_by_hand

    if listing:
        finish(lambda: list_all(workspace), as_json)
    else:
        finish(lambda: promote_by_hand(workspace, version, reason), as_json)


@app.command(epilog='Example: keepworth rollback --reason "equity fell by half"')
def rollback(
    reason: Annotated[str, typer.Option(help="Why; kept in the record.")] = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the version serve again that did before; twice goes back by two."""
    from serving.commands.promote import roll_back_by_hand

    finish(lambda: roll_back_by_hand(workspace, reason), as_json)


@app.command(epilog="Example: keepworth drain -C shop")
def drain(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Move what was posted to the service into the log, each event exactly once."""
    from serving.commands.drain import drain_events

    finish(lambda: drain_events(workspace), as_json)


@app.command(epilog="Example: keepworth doctor -C shop --json")
def doctor(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Look whether log, live store, model and registry are sound, and say what to do."""
    from serving.commands.doctor import examine

    finish(lambda: examine(workspace), as_json)


@app.command(epilog="Example: keepworth erase C000042 -C shop")
def erase(
    customer_id: Annotated[list[str], typer.Argument(help="Whom to erase.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase customers from log, live store, outputs and reports, and keep their ids out."""
    from serving.commands.erase import erase as erase_from_workspace

    finish(lambda: erase_from_workspace(workspace, customer_id), as_json)


for _group in (keys, campaigns, audit, webhooks):
    app.add_typer(_group.app)


@app.command(epilog="Example: keepworth demo /tmp/operator")
def demo(
    path: Annotated[Path, typer.Argument(help="Folder to make.")] = Path("demo"),
    customers: Annotated[int, typer.Option(help="Subscribers to simulate.", min=500)] = 5000,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.")] = 7,
    as_json: JsonOption = False,
) -> None:
    """Run everything on a simulated telecom operator whose true values are known."""
    from serving.commands.demo import run_demo

    finish(lambda: run_demo(path, customers, seed), as_json)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, by default this process's; a mistake in usage is told like any other.

    Raises
    ------
    SystemExit
        Always, with the exit code of the contract.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = app(args=given or ["--help"], prog_name="keepworth", standalone_mode=False)
    except typer.TyperException as error:
        code = _tell_misuse(error, given)
    except typer.Abort:
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


def _tell_misuse(error: typer.TyperException, given: list[str]) -> int:
    from features.mistakes import ConfigurationError, Mistake
    from serving.commands.answer import USAGE, tell_failure

    # Which command it was stands only on the errors that know their context.
    context = getattr(error, "ctx", None)
    where = context.command_path if context else "keepworth"
    mistake = Mistake("the command line", f"`keepworth {' '.join(given)}`", f"see {where} --help")
    # What checks values puts its own exception's name before the message.
    message = error.format_message().replace("Value error, ", "")
    told = ConfigurationError(message, [mistake])
    tell_failure("usage", told, as_json="--json" in given)
    return USAGE


if __name__ == "__main__":
    main()
