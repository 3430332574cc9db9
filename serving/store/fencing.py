"""Fencing tokens and leases: who may change what serves, whoever else believes to be alone.

A token is good for as long as no newer one was issued (Kleppmann 2016, "How to do distributed
locking"): a runner that slept through the end of its lease holds an old one, and changes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from features.ingest.lock import WorkspaceBusyError
from serving.store.database import LiveStore
from serving.store.tables import fence, lease

LEASE_SECONDS = 120
"""How long a lease holds that nobody renews."""
RENEWALS = 4
"""So many times a lease is renewed before it would end."""


class StaleTokenError(WorkspaceBusyError):
    """Say that what serves may not be changed with this token any more."""


@dataclass(frozen=True)
class Lease:
    """Name what is held, by whom, and the token that goes with it."""

    name: str
    holder: str
    token: int


def issue_token(connection: Connection) -> int:
    """Issue a token above all earlier ones, which are stale from then on."""
    connection.execute(update(fence).values(token=fence.c.token + 1))
    return int(connection.execute(select(fence.c.token)).scalar_one())


def require_newest(connection: Connection, token: int) -> None:
    """Hold a token against the newest; the caller writes in the same transaction.

    Raises
    ------
    StaleTokenError
        If a newer one was issued.
    """
    newest = int(connection.execute(select(fence.c.token)).scalar_one())
    if token != newest:
        raise StaleTokenError(
            f"Token {token} is stale, the newest is {newest}: another run began, or a version was "
            "trained, promoted or rolled back meanwhile. Nothing was changed; run it again."
        )


def take_lease(store: LiveStore, name: str, holder: str, now: datetime) -> Lease:
    """Take a lease that nobody holds, or that its last holder let run out or left behind.

    A holder who comes again takes over from itself: whoever has the workspace's lock knows that
    the process before is gone.

    Raises
    ------
    WorkspaceBusyError
        If another holds it; the message names it.
    """
    with store.writing() as connection:
        row = connection.execute(select(lease).where(lease.c.name == name)).one_or_none()
        if row and row.holder != holder and datetime.fromisoformat(row.held_until) > now:
            raise WorkspaceBusyError(
                f"{row.holder} holds the lease of {name} until {row.held_until[:19]}Z at least; "
                "try again when it has ended."
            )
        taken = Lease(name, holder, issue_token(connection))
        connection.execute(delete(lease).where(lease.c.name == name))
        values = {"name": name, "holder": holder, "token": taken.token}
        connection.execute(insert(lease).values(values | {"held_until": _until(now)}))
    return taken


def renew_lease(store: LiveStore, held: Lease, now: datetime) -> bool:
    """Hold a lease for longer; return whether it was still held."""
    own = (lease.c.name == held.name) & (lease.c.token == held.token)
    with store.writing() as connection:
        renewed = connection.execute(update(lease).where(own).values(held_until=_until(now)))
    return bool(renewed.rowcount)


def end_lease(store: LiveStore, held: Lease) -> None:
    """Give a lease back, if it is still held."""
    own = (lease.c.name == held.name) & (lease.c.token == held.token)
    with store.writing() as connection:
        connection.execute(delete(lease).where(own))


@contextmanager
def holding(store: LiveStore, name: str, holder: str) -> Iterator[Lease]:
    """Hold a lease while the block runs, renewed by a thread beside it.

    Raises
    ------
    WorkspaceBusyError
        If another holds it.
    """
    held, ended = take_lease(store, name, holder, datetime.now(UTC)), Event()
    renewer = Thread(target=_renew, args=(store, held, ended), name="lease", daemon=True)
    renewer.start()
    try:
        yield held
    finally:
        ended.set()
        renewer.join()
        # A store that is away lets the lease run out by itself.
        with suppress(SQLAlchemyError):
            end_lease(store, held)


def _renew(store: LiveStore, held: Lease, ended: Event) -> None:
    """Renew until the end; a store that is away for a moment is asked again."""
    while not ended.wait(LEASE_SECONDS / RENEWALS):
        with suppress(SQLAlchemyError):
            if not renew_lease(store, held, datetime.now(UTC)):
                return


def _until(now: datetime) -> str:
    return (now + timedelta(seconds=LEASE_SECONDS)).astimezone(UTC).isoformat()
