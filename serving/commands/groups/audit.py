"""`keepworth audit`: who did what, and who was told of whom."""

from typing import Annotated

import typer

from serving.commands.options import JsonOption, WorkspaceOption, finish

app = typer.Typer(
    name="audit",
    help="Show who did what, and who was told of which customers; forget old reads.",
    epilog="Example: keepworth audit list --customer C000865",
    rich_markup_mode=None,
)


@app.command("list", epilog="Example: keepworth audit list --by 0f3a9c1b2d4e --json")
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

    finish(lambda: listing(workspace, most, since, by, customer), as_json)


@app.command("forget", epilog="Example: keepworth audit forget --before 2025-01-01")
def forget_audit(
    before: Annotated[str, typer.Option(help="Reads before this instant are forgotten.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget reads before an instant; acts stay, and so does that this was done."""
    from serving.commands.audit import forget

    finish(lambda: forget(workspace, before), as_json)
