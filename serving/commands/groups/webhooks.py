"""`keepworth webhooks`: the receivers of triggers."""

from typing import Annotated

import typer

from serving.commands.options import JsonOption, WorkspaceOption, finish

app = typer.Typer(
    name="webhooks",
    help="See, send and repeat what is told to the receivers of [[webhooks]].",
    epilog="Example: keepworth webhooks list",
    rich_markup_mode=None,
)


@app.command("secret", epilog="Example: export CRM_SECRET=$(keepworth webhooks secret)")
def webhook_secret(as_json: JsonOption = False) -> None:
    """Make a secret for a receiver; it is not kept."""
    from serving.commands.webhooks import make_secret

    finish(make_secret, as_json)


@app.command("list", epilog="Example: keepworth webhooks list --json")
def list_webhooks(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show receivers, how many messages wait, and those that were never heard."""
    from serving.commands.webhooks import listing

    finish(lambda: listing(workspace), as_json)


@app.command("deliver", epilog="Example: keepworth webhooks deliver -C shop")
def deliver_webhooks(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Attempt once all that is due, without the service, which does so all the time."""
    from serving.commands.webhooks import deliver

    finish(lambda: deliver(workspace), as_json)


@app.command("replay", epilog="Example: keepworth webhooks replay msg_0f3a9c1b2d4e")
def replay_webhooks(
    message_id: Annotated[
        str | None, typer.Argument(help="As `webhooks list` shows it; without it all dead ones.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send again what was never heard."""
    from serving.commands.webhooks import replay_dead

    finish(lambda: replay_dead(workspace, message_id), as_json)


@app.command("reopen", epilog="Example: keepworth webhooks reopen crm")
def reopen_webhook(
    name: Annotated[str, typer.Argument(help="A receiver that answered 410 Gone.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send again to a receiver that had said it is gone."""
    from serving.commands.webhooks import reopen

    finish(lambda: reopen(workspace, name), as_json)
