"""The command line `keepworth`: one function a command, thin, importing what it runs on call."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from serving.commands.answer import Answer

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

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "-C",
        "--workspace",
        help="Folder with keepworth.toml; by default the nearest one upwards from here.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print exactly one JSON object on standard output.")
]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        help="Instant of knowledge, as 2024-06-01 (00:00 UTC) or 2024-06-01T12:00:00Z; by default "
        "the end of observation. Nothing visible at or after it is read."
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        help="Processes that share the work; by default one a core, or none beside this one where "
        "little is to do.",
        min=1,
        max=256,
    ),
]
EngineOption = Annotated[
    Literal["local", "spark"],
    typer.Option(help="What computes: this machine, or the Spark that [spark] configures."),
]


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

    _finish(lambda: init_workspace(path, example, data), as_json)


@app.command(epilog="Example: keepworth ingest -C shop")
def ingest(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Read the sources into the log: checked, idempotent, all or nothing."""
    from serving.commands.ingest import ingest_sources

    _finish(lambda: ingest_sources(workspace), as_json)


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
        _finish(lambda: list_signals(workspace), as_json)
    else:
        _finish(lambda: write_features(workspace, as_of or [], workers, engine), as_json)


@app.command(epilog="Example: keepworth train --as-of 2024-06-01")
def train(
    as_of: AsOfOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Fit the models, track and register the version, and let it serve."""
    from serving.commands.train import train_version

    _finish(lambda: train_version(workspace, as_of), as_json)


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

    _finish(lambda: run_backtest(workspace, cutoff or [], months or [], peer or []), as_json)


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

    _finish(lambda: score_portfolio(workspace, as_of, model, workers, engine, explain), as_json)


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

    _finish(lambda: serve_workspace(workspace, host, port, workers), as_json)


@app.command(epilog="Example: keepworth retrain -C shop --json")
def retrain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide, and change nothing.")] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Train though it is not due, and promote though a gate is closed."
        ),
    ] = False,
    reason: Annotated[str, typer.Option(help="Why --force; kept in the record.")] = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Retrain if it is due, and promote the version if it is no worse; safe every night.

    Exit codes: 0 promoted, 10 trained and refused, 11 not due, 12 data refused, 5 another run.
    """
    from serving.commands.retrain import retrain_workspace

    _finish(
        lambda: retrain_workspace(workspace, is_dry=dry_run, is_forced=force, reason=reason),
        as_json,
    )


@app.command(epilog="Example: keepworth monitor -C shop --json")
def monitor(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Look at drift, at what came of forecasts, and at how fresh the data is; write a page."""
    from serving.commands.monitor import monitor_workspace

    _finish(lambda: monitor_workspace(workspace), as_json)


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
        _finish(lambda: list_all(workspace), as_json)
    else:
        _finish(lambda: promote_by_hand(workspace, version, reason), as_json)


@app.command(epilog='Example: keepworth rollback --reason "equity fell by half"')
def rollback(
    reason: Annotated[str, typer.Option(help="Why; kept in the record.")] = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the version serve again that did before; twice goes back by two."""
    from serving.commands.promote import roll_back_by_hand

    _finish(lambda: roll_back_by_hand(workspace, reason), as_json)


@app.command(epilog="Example: keepworth drain -C shop")
def drain(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Move what was posted to the service into the log, each event exactly once."""
    from serving.commands.drain import drain_events

    _finish(lambda: drain_events(workspace), as_json)


@app.command(epilog="Example: keepworth doctor -C shop --json")
def doctor(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Look whether log, live store, model and registry are sound, and say what to do."""
    from serving.commands.doctor import examine

    _finish(lambda: examine(workspace), as_json)


@app.command(epilog="Example: keepworth erase C000042 -C shop")
def erase(
    customer_id: Annotated[list[str], typer.Argument(help="Whom to erase.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase customers from log, live store, outputs and reports, and keep their ids out."""
    from serving.commands.erase import erase as erase_from_workspace

    _finish(lambda: erase_from_workspace(workspace, customer_id), as_json)


keys_app = typer.Typer(
    name="keys",
    help="Make, list and revoke the keys that callers of the service send.",
    epilog="Example: keepworth keys make --name crm --scope score --scope ingest",
    rich_markup_mode=None,
)
app.add_typer(keys_app)


@keys_app.command("make", epilog="Example: keepworth keys make --name crm --scope ingest")
def make_key(
    name: Annotated[str, typer.Option(help="Who will send it.")],
    scope: Annotated[
        list[str],
        typer.Option(help="score, ingest, campaigns or admin; may be given several times."),
    ],
    calls_per_minute: Annotated[
        int | None, typer.Option(help="Limit of calls; by default there is none.", min=1)
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key; its token is shown this once."""
    from serving.commands.keys import make

    _finish(lambda: make(workspace, name, scope, calls_per_minute), as_json)


@keys_app.command("list", epilog="Example: keepworth keys list --json")
def list_keys(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List all keys that were ever made, without their tokens."""
    from serving.commands.keys import listing

    _finish(lambda: listing(workspace), as_json)


@keys_app.command("revoke", epilog="Example: keepworth keys revoke 0f3a9c1b2d4e")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="As `keys list` shows it.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a key."""
    from serving.commands.keys import revoke

    _finish(lambda: revoke(workspace, key_id), as_json)


campaigns_app = typer.Typer(
    name="campaigns",
    help="List campaigns, check one against the past, decide tonight, and measure what it brought.",
    epilog="Example: keepworth campaigns check stay-with-us",
    rich_markup_mode=None,
)
app.add_typer(campaigns_app)


@campaigns_app.command("list", epilog="Example: keepworth campaigns list --json")
def list_campaigns(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List campaigns with contacts, budgets and control groups so far."""
    from serving.commands.campaigns import list_campaigns as listing

    _finish(lambda: listing(workspace), as_json)


@campaigns_app.command("check", epilog="Example: keepworth campaigns check stay-with-us --months 3")
def check_campaign(
    name: Annotated[str, typer.Argument(help="As keepworth.toml names it.")],
    months: Annotated[int, typer.Option(help="Months to go back.", min=1, max=60)] = 6,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show whom a campaign would have contacted over the past months, and at what cost."""
    from serving.commands.campaigns import check_campaign as check

    _finish(lambda: check(workspace, name, months), as_json)


@campaigns_app.command("run", epilog="Example: keepworth campaigns run -C shop")
def run_campaigns(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Decide for tonight, once, whom each campaign contacts; may be repeated."""
    from serving.commands.campaigns import run_night

    _finish(lambda: run_night(workspace), as_json)


@campaigns_app.command(
    "report", epilog="Example: keepworth campaigns report winter-offer --months 3 --json"
)
def report_campaign(
    name: Annotated[str, typer.Argument(help="The campaign, as its assignments name it.")],
    months: Annotated[
        int, typer.Option(help="Months after assignment that outcomes are awaited.", min=1, max=36)
    ] = 3,
    control_share: Annotated[
        float | None,
        typer.Option(
            help="What share was to be the control group; counts are held against it. Default: "
            "what held for those assigned here.",
            min=0.001,
            max=0.999,
        ),
    ] = None,
    as_of: AsOfOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a campaign brought: effect on retention, margin and CLV, cost, return."""
    from serving.commands.campaign_report import report

    _finish(lambda: report(workspace, name, months, control_share, as_of), as_json)


@campaigns_app.command("learn", epilog="Example: keepworth campaigns learn winter-offer")
def learn_campaign(
    name: Annotated[str, typer.Argument(help="The campaign, as its assignments name it.")],
    arm: Annotated[
        str | None, typer.Option(help="Which arm to learn from, where there are several.")
    ] = None,
    months: Annotated[
        int, typer.Option(help="Months after assignment that outcomes are awaited.", min=1, max=36)
    ] = 3,
    as_of: AsOfOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let outcomes replace a campaign's assumed save rate, once enough are in."""
    from serving.commands.campaign_learn import learn_campaign as learn

    _finish(lambda: learn(workspace, name, arm, months, as_of), as_json)


audit_app = typer.Typer(
    name="audit",
    help="Show who did what, and who was told of which customers; forget old reads.",
    epilog="Example: keepworth audit list --customer C000865",
    rich_markup_mode=None,
)
app.add_typer(audit_app)


@audit_app.command("list", epilog="Example: keepworth audit list --by 0f3a9c1b2d4e --json")
def list_audit(
    customer: Annotated[str | None, typer.Option(help="Only what is about this id.")] = None,
    by: Annotated[str | None, typer.Option(help="Only what this key did or was told.")] = None,
    since: Annotated[str | None, typer.Option(help="Only from this instant on.")] = None,
    most: Annotated[int, typer.Option(help="How many entries, the newest first.", min=1)] = 50,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List acts, and reads of customers' data; customers stand there by salted digest."""
    from serving.commands.audit import listing

    _finish(lambda: listing(workspace, most, since, by, customer), as_json)


@audit_app.command("forget", epilog="Example: keepworth audit forget --before 2025-01-01")
def forget_audit(
    before: Annotated[str, typer.Option(help="Reads before this instant are forgotten.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget reads before an instant; acts stay, and so does that this was done."""
    from serving.commands.audit import forget

    _finish(lambda: forget(workspace, before), as_json)


webhooks_app = typer.Typer(
    name="webhooks",
    help="See, send and repeat what is told to the receivers of [[webhooks]].",
    epilog="Example: keepworth webhooks list",
    rich_markup_mode=None,
)
app.add_typer(webhooks_app)


@webhooks_app.command("secret", epilog="Example: export CRM_SECRET=$(keepworth webhooks secret)")
def webhook_secret(as_json: JsonOption = False) -> None:
    """Make a secret for a receiver; it is not kept."""
    from serving.commands.webhooks import make_secret

    _finish(make_secret, as_json)


@webhooks_app.command("list", epilog="Example: keepworth webhooks list --json")
def list_webhooks(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show receivers, how many messages wait, and those that were never heard."""
    from serving.commands.webhooks import listing

    _finish(lambda: listing(workspace), as_json)


@webhooks_app.command("deliver", epilog="Example: keepworth webhooks deliver -C shop")
def deliver_webhooks(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Attempt once all that is due, without the service, which does so all the time."""
    from serving.commands.webhooks import deliver

    _finish(lambda: deliver(workspace), as_json)


@webhooks_app.command("replay", epilog="Example: keepworth webhooks replay msg_0f3a9c1b2d4e")
def replay_webhooks(
    message_id: Annotated[
        str | None, typer.Argument(help="As `webhooks list` shows it; without it all dead ones.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send again what was never heard."""
    from serving.commands.webhooks import replay_dead

    _finish(lambda: replay_dead(workspace, message_id), as_json)


@webhooks_app.command("reopen", epilog="Example: keepworth webhooks reopen crm")
def reopen_webhook(
    name: Annotated[str, typer.Argument(help="A receiver that answered 410 Gone.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send again to a receiver that had said it is gone."""
    from serving.commands.webhooks import reopen

    _finish(lambda: reopen(workspace, name), as_json)


@app.command(epilog="Example: keepworth demo /tmp/operator")
def demo(
    path: Annotated[Path, typer.Argument(help="Folder to make.")] = Path("demo"),
    customers: Annotated[int, typer.Option(help="Subscribers to simulate.", min=500)] = 5000,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.")] = 7,
    as_json: JsonOption = False,
) -> None:
    """Run everything on a simulated telecom operator whose true values are known."""
    from serving.commands.demo import run_demo

    _finish(lambda: run_demo(path, customers, seed), as_json)


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


def _finish(work: "Callable[[], Answer]", as_json: bool) -> None:
    from serving.commands.answer import give

    raise typer.Exit(give(work, as_json=as_json))


if __name__ == "__main__":
    main()
