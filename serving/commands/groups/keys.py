"""`keepworth keys`: who may call the service."""

from typing import Annotated

import typer

from serving.commands.options import JsonOption, WorkspaceOption, finish

app = typer.Typer(
    name="keys",
    help="Make, list and revoke the keys that callers of the service send.",
    epilog="Example: keepworth keys make --name crm --scope score --scope ingest",
    rich_markup_mode=None,
)


@app.command("make", epilog="Example: keepworth keys make --name crm --scope ingest")
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

    finish(lambda: make(workspace, name, scope, calls_per_minute), as_json)


@app.command("list", epilog="Example: keepworth keys list --json")
def list_keys(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List all keys that were ever made, without their tokens."""
    from serving.commands.keys import listing

    finish(lambda: listing(workspace), as_json)


@app.command("revoke", epilog="Example: keepworth keys revoke 0f3a9c1b2d4e")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="As `keys list` shows it.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a key."""
    from serving.commands.keys import revoke

    finish(lambda: revoke(workspace, key_id), as_json)
