"""`keepworth campaigns`: whom to contact, and what it brought."""

from pathlib import Path
from typing import Annotated

import typer

from serving.commands.options import AsOfOption, JsonOption, WorkspaceOption, finish

app = typer.Typer(
    name="campaigns",
    help="List campaigns, check one against the past, decide tonight, and measure what it brought.",
    epilog="Example: keepworth campaigns check stay-with-us",
    rich_markup_mode=None,
)


@app.command("list", epilog="Example: keepworth campaigns list --json")
def list_campaigns(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List campaigns with contacts, budgets and control groups so far."""
    from serving.commands.campaigns import list_campaigns as listing

    finish(lambda: listing(workspace), as_json)


@app.command("check", epilog="Example: keepworth campaigns check stay-with-us --months 3")
def check_campaign(
    name: Annotated[str, typer.Argument(help="As keepworth.toml names it.")],
    months: Annotated[int, typer.Option(help="Months to go back.", min=1, max=60)] = 6,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show whom a campaign would have contacted over the past months, and at what cost."""
    from serving.commands.campaigns import check_campaign as check

    finish(lambda: check(workspace, name, months), as_json)


@app.command("run", epilog="Example: keepworth campaigns run -C shop")
def run_campaigns(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Decide for tonight, once, whom each campaign contacts; may be repeated."""
    from serving.commands.campaigns import run_night

    finish(lambda: run_night(workspace), as_json)


@app.command("export", epilog="Example: keepworth campaigns export tonight.csv --after 120")
def export_triggers(
    file: Annotated[Path, typer.Argument(help="What to write: NAME.csv or NAME.parquet.")],
    after: Annotated[
        int,
        typer.Option(help="Only triggers with a higher number; the last export tells it.", min=0),
    ] = 0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write whom campaigns contact to a file for a CRM, a row a trigger, by number."""
    from serving.commands.campaign_export import export_triggers as export

    finish(lambda: export(workspace, file, after), as_json)


@app.command("report", epilog="Example: keepworth campaigns report winter-offer --months 3 --json")
def report_campaign(
    name: Annotated[str, typer.Argument(help="The campaign, as its assignments name it.")],
    months: Annotated[
        int, typer.Option(help="Months after assignment that outcomes are awaited.", min=1, max=36)
    ] = 3,
    control_share: Annotated[
        float | None,
        typer.Option(
            help="What share was to be the control group, of those assigned elsewhere; counts are "
            "held against it. Of those assigned here it is known.",
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

    finish(lambda: report(workspace, name, months, control_share, as_of), as_json)


@app.command("learn", epilog="Example: keepworth campaigns learn winter-offer")
def learn_campaign(
    name: Annotated[str, typer.Argument(help="The campaign, as its assignments name it.")],
    arm: Annotated[
        str | None, typer.Option(help="Which arm to learn from, where there are several.")
    ] = None,
    months: Annotated[
        int | None,
        typer.Option(
            help="Months after assignment that outcomes are awaited. Default: the campaign's "
            "window_months, 3 where keepworth.toml does not name it.",
            min=1,
            max=36,
        ),
    ] = None,
    as_of: AsOfOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let outcomes replace a campaign's assumed save rate, once enough are in."""
    from serving.commands.campaign_learn import learn_campaign as learn

    finish(lambda: learn(workspace, name, arm, months, as_of), as_json)
