"""The outbox: what is to be told to others, written in the transaction of what it tells.

A message is claimed for a while before it is sent; whoever claimed it and died loses it to the
next one when the claim runs out, so that it is sent twice at worst, under the same id.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, Update, func, insert, or_, select, update

from features.mistakes import Mistake, NotFoundError
from serving.store.audit import COMMAND_LINE, record_act
from serving.store.database import LiveStore
from serving.store.tables import outbox, receiver

State = Literal["waiting", "delivered", "dropped", "dead"]
"""Dropped: no longer worth sending when its time came. Dead: never heard; it can be replayed."""


class Message(NamedTuple):
    """Hold what one receiver is to be told of one customer; `body` is JSON text.

    The same `message_id` may go to several receivers.
    """

    message_id: str
    receiver: str
    customer_id: str
    campaign: str
    body: str


@dataclass(frozen=True)
class Claimed:
    """Hold a message that is this caller's to send until its claim runs out."""

    message: Message
    attempts: int
    made_at: int
    claim: str


@dataclass(frozen=True)
class Settled:
    """Say what became of a claimed message, and why.

    `at`, in UTC microseconds, is when it is due again if it goes on waiting, else when it ended.
    """

    state: State
    said: str
    at: int
    was_tried: bool = True


@dataclass(frozen=True)
class Letter:
    """Show a message of the outbox: what became of it, and what the receiver said last."""

    message_id: str
    receiver: str
    customer_id: str
    campaign: str
    state: State
    attempts: int
    made_at: int
    due_at: int
    last_said: str | None


_MESSAGE = [outbox.c[name] for name in Message._fields]
_LETTER = [outbox.c[name] for name in Letter.__dataclass_fields__]


def put_messages(
    connection: Connection, messages: Sequence[Message], now: int, due_at: int | None = None
) -> None:
    """Put messages into the outbox, in the caller's transaction.

    `now` and `due_at`, before which they are not sent, are UTC microseconds.
    """
    made = {"state": "waiting", "attempts": 0, "made_at": now, "due_at": due_at or now}
    if messages:
        connection.execute(insert(outbox), [message._asdict() | made for message in messages])


def claim_due(
    store: LiveStore, to: str, now: int, most: int, claim_seconds: float
) -> list[Claimed]:
    """Claim messages to a receiver whose time has come; none while it wants no messages."""
    is_free = or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until <= now)
    is_due = (outbox.c.receiver == to) & (outbox.c.state == "waiting") & (outbox.c.due_at <= now)
    due = select(*_MESSAGE, outbox.c.attempts, outbox.c.made_at).where(is_due & is_free)
    some = due.order_by(outbox.c.due_at, outbox.c.message_id).limit(most)
    with store.reading() as connection:
        # Nobody waits for a turn to write while there is nothing to send, or nobody to hear it.
        has_some = connection.execute(some.limit(1)).first() is not None
        if not has_some or not _is_listening(connection, to, now):
            return []
    claim = secrets.token_hex(8)
    with store.writing() as connection:
        if not _is_listening(connection, to, now):
            return []
        rows = connection.execute(some).all()
        ids = [row.message_id for row in rows]
        mine = (outbox.c.receiver == to) & outbox.c.message_id.in_(ids)
        until = now + round(claim_seconds * 1e6)
        connection.execute(update(outbox).where(mine).values(claim=claim, claimed_until=until))
    return [
        Claimed(Message(*row[: len(Message._fields)]), row.attempts, row.made_at, claim)
        for row in rows
    ]


def _is_listening(connection: Connection, to: str, now: int) -> bool:
    row = connection.execute(select(receiver).where(receiver.c.name == to)).one_or_none()
    return row is None or (row.gone_at is None and (row.paused_until or 0) <= now)


def settle(store: LiveStore, claimed: Claimed, outcome: Settled) -> None:
    """Write down what became of a claimed message, unless its claim ran out and another has it."""
    is_waiting = outcome.state == "waiting"
    values = {
        "state": outcome.state,
        "due_at" if is_waiting else "ended_at": outcome.at,
        "attempts": claimed.attempts + outcome.was_tried,
        "last_said": outcome.said,
        "claim": None,
        "claimed_until": None,
    }
    with store.writing() as connection:
        connection.execute(_held(claimed).values(values))


def _held(claimed: Claimed) -> Update:
    """Change a message only while the claim is still this one."""
    message = claimed.message
    is_it = (outbox.c.message_id == message.message_id) & (outbox.c.receiver == message.receiver)
    return update(outbox).where(is_it & (outbox.c.claim == claimed.claim))


def pause_receiver(store: LiveStore, name: str, until: int) -> None:
    """Send nothing to a receiver before an instant, as it asked."""
    _set_receiver(store, name, {"paused_until": until})


def close_receiver(store: LiveStore, name: str, now: datetime) -> None:
    """Send nothing to a receiver any more: it is gone, and said so. What waits, waits."""
    _set_receiver(store, name, {"gone_at": now.isoformat()})


def _set_receiver(store: LiveStore, name: str, values: dict[str, object]) -> None:
    with store.writing() as connection:
        if not connection.execute(
            update(receiver).where(receiver.c.name == name).values(values)
        ).rowcount:
            connection.execute(insert(receiver).values({"name": name} | values))


def closed_receivers(store: LiveStore) -> dict[str, str]:
    """Return the receivers that said they are gone, and when."""
    with store.reading() as connection:
        rows = connection.execute(select(receiver).where(receiver.c.gone_at.is_not(None)))
        return {row.name: row.gone_at for row in rows}


def list_letters(store: LiveStore, states: Sequence[State], most: int) -> list[Letter]:
    """Return messages in some states, those made first first."""
    query = select(*_LETTER).where(outbox.c.state.in_(states))
    ordered = query.order_by(outbox.c.made_at, outbox.c.message_id, outbox.c.receiver).limit(most)
    with store.reading() as connection:
        return [Letter(*row) for row in connection.execute(ordered)]


def count_letters(store: LiveStore) -> dict[State, int]:
    """Count the messages in each state, of all receivers together."""
    query = select(outbox.c.state, func.count()).group_by(outbox.c.state)
    with store.reading() as connection:
        return {state: int(count) for state, count in connection.execute(query)}


def replay(store: LiveStore, message_id: str | None, now: datetime, instant: int) -> int:
    """Let dead messages wait again, due at once; one by its id, or all; return how many.

    Raises
    ------
    NotFoundError
        If an id is given, and no dead message bears it.
    """
    dead = outbox.c.state == "dead"
    chosen = dead if message_id is None else dead & (outbox.c.message_id == message_id)
    again = {"state": "waiting", "attempts": 0, "due_at": instant, "ended_at": None}
    with store.writing() as connection:
        count = connection.execute(update(outbox).where(chosen).values(again)).rowcount
        if message_id is not None and not count:
            expected = "expected a dead one that `keepworth webhooks list` shows"
            mistake = Mistake("message", repr(message_id), expected)
            raise NotFoundError("there is no such message", [mistake])
        record_act(connection, now, "replay messages", message_id or f"all {count}", COMMAND_LINE)
    return int(count)


def reopen_receiver(store: LiveStore, name: str, now: datetime) -> None:
    """Send to a receiver again that had said it is gone.

    Raises
    ------
    NotFoundError
        If it has not.
    """
    is_closed = (receiver.c.name == name) & receiver.c.gone_at.is_not(None)
    with store.writing() as connection:
        opened = update(receiver).where(is_closed).values(gone_at=None, paused_until=None)
        if not connection.execute(opened).rowcount:
            expected = "expected one that answered 410, as `keepworth webhooks list` shows"
            raise NotFoundError("it is not closed", [Mistake("receiver", repr(name), expected)])
        record_act(connection, now, "reopen receiver", name, COMMAND_LINE)
