"""`keepworth webhooks`: the receivers of triggers, and what they have not heard yet."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from features.instants import datetime_of, instant_of
from serving.api.current import Current
from serving.api.deliveries import open_deliverer
from serving.commands.answer import Answer
from serving.delivery.signing import new_secret
from serving.store.outbox import (
    Letter,
    closed_receivers,
    count_letters,
    list_letters,
    reopen_receiver,
    replay,
)
from serving.workspace import open_workspace

MOST_SHOWN = 50


def make_secret() -> Answer:
    """Make a secret that nobody keeps but who asked for it."""
    secret = new_secret()
    return Answer({"secret": secret}, lambda console: console.print(secret))


def listing(path: Path | None) -> Answer:
    """Show the receivers, how many messages stand in which state, and the dead ones."""
    workspace = open_workspace(path)
    webhooks = workspace.configuration.webhooks
    closed, counts = closed_receivers(workspace.store), count_letters(workspace.store)
    unheard = list_letters(workspace.store, ["dead"], MOST_SHOWN)
    waiting = list_letters(workspace.store, ["waiting"], MOST_SHOWN)
    receivers = [
        {"name": each.name, "url": each.url, "closed_since": closed.get(each.name)}
        for each in webhooks
    ]

    def show(console: Console) -> None:
        if not webhooks:
            console.print("There are no [[webhooks]] in keepworth.toml.")
        for each in receivers:
            said = f", closed since {each['closed_since']}" if each["closed_since"] else ""
            console.print(f"{each['name']}: {each['url']}{said}")
        total = ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))
        console.print(f"Messages: {total or 'none yet'}.", style="bold")
        for title, letters in (("Never heard", unheard), ("Waiting", waiting)):
            if letters:
                console.print(_table(title, letters))

    letters = [asdict(letter) for letter in (*unheard, *waiting)]
    return Answer({"receivers": receivers, "messages": counts, "letters": letters}, show)


def deliver(path: Path | None) -> Answer:
    """Attempt once all that is due."""
    workspace = open_workspace(path)
    attempts = asyncio.run(open_deliverer(Current(workspace)).deliver_due())
    counts = count_letters(workspace.store)

    def show(console: Console) -> None:
        total = ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))
        console.print(f"{attempts:,} attempts; messages: {total or 'none yet'}.", style="bold")

    return Answer({"attempts": attempts, "messages": counts}, show)


def _table(title: str, letters: list[Letter]) -> Table:
    columns = ("message", "receiver", "customer", "campaign", "attempts", "due (UTC)", "last said")
    table = Table(*columns, title=f"{title}, the first {MOST_SHOWN}", title_justify="left")
    # The message is there to be copied.
    table.columns[0].no_wrap, table.columns[0].min_width = True, len(letters[0].message_id)
    for each in letters:
        due = f"{datetime_of(each.due_at):%Y-%m-%d %H:%M:%S}"
        table.add_row(
            *(each.message_id, each.receiver, each.customer_id, each.campaign),
            *(str(each.attempts), due, each.last_said or ""),
        )
    return table


def replay_dead(path: Path | None, message_id: str | None) -> Answer:
    """Let dead messages wait again, one or all."""
    now = datetime.now(UTC)
    count = replay(open_workspace(path).store, message_id, now, instant_of(now))

    def show(console: Console) -> None:
        console.print(f"{count:,} to be sent again, at once where the service runs.")

    return Answer({"replayed": count}, show)


def reopen(path: Path | None, name: str) -> Answer:
    """Send again to a receiver that had said it is gone."""
    reopen_receiver(open_workspace(path).store, name, datetime.now(UTC))

    def show(console: Console) -> None:
        console.print(f"{name} is sent to again; what waited is due.")

    return Answer({"name": name, "reopened": True}, show)
