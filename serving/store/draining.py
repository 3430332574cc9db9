"""Moving posted events into the log, exactly once, whenever the process may die.

A drain claims events for a batch, writes the batch under that id, and marks it drained. Whatever
it was killed at, the next one finds the claim and, in the log, whether the batch is there. Rows
leave the store one drain later, so that whoever still sees the log of before misses nothing.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from sqlalchemy import bindparam, delete, func, insert, select, update

from features.ingest.appending import append_events
from features.ingest.batch import BatchName
from features.ingest.merging import merge_small_batches
from serving.store.database import LiveStore
from serving.store.live_events import LiveEvent, event_table
from serving.store.logged_events import DRAIN
from serving.store.tables import drained_batch, drained_event, live_event

MOST_EVENTS = 250_000
"""A batch takes so many events at most: they are held in memory while they are written."""
MOST_FORGOTTEN = 10_000
"""Rows that one transaction removes at most."""

_COLUMNS = [live_event.c[name] for name in LiveEvent._fields]
_OF_BATCH = live_event.c.batch_id == bindparam("batch")
_IS_UNCLAIMED = live_event.c.batch_id.is_(None)


@dataclass(frozen=True)
class Drained:
    """Count what became of posted events: new in the log, there before, or contradicting it."""

    batches: int = 0
    new: int = 0
    repeated: int = 0
    quarantined: int = 0
    quarantine_files: tuple[Path, ...] = ()


def drain(store: LiveStore, now: datetime, most_events: int = MOST_EVENTS) -> Drained:
    """Move into the log all that was posted; the caller holds the workspace.

    What the log says by now is not added; where it says something else under the same id, the
    posted event goes to quarantine.
    """
    _forget_drained(store)
    total = Drained()
    while batch_id := _unfinished_id(store) or _claimed(store, now, most_events):
        found = append_events(store.state, _events_of(store, batch_id), BatchName(batch_id, DRAIN))
        _finish(store, batch_id, now)
        if found is not None:
            files = (found.quarantine_file,) if found.quarantine_file else ()
            total = Drained(
                total.batches + 1,
                total.new + found.new,
                total.repeated + found.repeated,
                total.quarantined + found.quarantined,
                total.quarantine_files + files,
            )
    # None is unfinished by now: nobody looks for one of them by its id again.
    merge_small_batches(store.state, DRAIN)
    # Where a reader held up the sweep of an erasure, this one makes up for it.
    store.vacuum()
    return total


def _forget_drained(store: LiveStore) -> None:
    """Remove the rows that earlier drains have moved; their ids stay.

    A few at a time: whoever posts meanwhile waits for its turn.
    """
    done = select(drained_batch.c.batch_id).where(drained_batch.c.drained_at.is_not(None))
    some = select(live_event.c.event_id).where(live_event.c.batch_id.in_(done))
    gone = delete(live_event).where(live_event.c.event_id.in_(some.limit(MOST_FORGOTTEN)))
    while True:
        with store.writing() as connection:
            if connection.execute(gone).rowcount < MOST_FORGOTTEN:
                return


@dataclass(frozen=True)
class UnfinishedDrain:
    """Name a batch that was claimed and not finished, by a drain that runs or was killed."""

    batch_id: str
    claimed_at: datetime


def find_unfinished(store: LiveStore) -> UnfinishedDrain | None:
    """Return a drain that was begun and has not ended."""
    columns = (drained_batch.c.batch_id, drained_batch.c.claimed_at)
    begun = select(*columns).where(drained_batch.c.drained_at.is_(None)).limit(1)
    with store.reading() as connection:
        row = connection.execute(begun).one_or_none()
    return UnfinishedDrain(row[0], datetime.fromisoformat(row[1])) if row else None


def _unfinished_id(store: LiveStore) -> str | None:
    unfinished = find_unfinished(store)
    return unfinished.batch_id if unfinished else None


def _claimed(store: LiveStore, now: datetime, most_events: int) -> str | None:
    """Give some of the events that no batch has to a new one; None if there are none."""
    some = select(live_event.c.event_id).where(_IS_UNCLAIMED).limit(most_events)
    batch_id = f"{DRAIN}-{secrets.token_hex(8)}"
    with store.writing() as connection:
        if connection.execute(select(live_event.c.event_id).where(_IS_UNCLAIMED).limit(1)).first():
            connection.execute(
                insert(drained_batch).values(batch_id=batch_id, claimed_at=now.isoformat())
            )
            claim = update(live_event).where(live_event.c.event_id.in_(some))
            connection.execute(claim.values(batch_id=batch_id))
            return batch_id
    return None


def _events_of(store: LiveStore, batch_id: str) -> pa.Table:
    with store.reading() as connection:
        rows = connection.execute(select(*_COLUMNS).where(_OF_BATCH), {"batch": batch_id})
        return event_table([LiveEvent(*row) for row in rows])


def _finish(store: LiveStore, batch_id: str, now: datetime) -> None:
    ids = select(live_event.c.event_id).where(live_event.c.batch_id == batch_id)
    with store.writing() as connection:
        connection.execute(insert(drained_event).from_select(["event_id"], ids))
        connection.execute(
            update(drained_batch)
            .where(drained_batch.c.batch_id == batch_id)
            .values(drained_at=now.isoformat())
        )


class Waiting(NamedTuple):
    """Count the posted events that no drain has claimed; the oldest was recorded then, if any."""

    events: int
    oldest_recorded_at: int | None


def waiting_events(store: LiveStore) -> Waiting:
    """Return how many posted events wait for a drain, and since when, in UTC microseconds."""
    query = select(func.count(), func.min(live_event.c.recorded_at)).where(_IS_UNCLAIMED)
    with store.reading() as connection:
        return Waiting(*connection.execute(query).one())


def count_waiting(store: LiveStore) -> int:
    """Count the events that were posted and not yet claimed by a drain."""
    return waiting_events(store).events


def last_drained_at(store: LiveStore) -> datetime | None:
    """Return when a drain last ended, None where none ever did."""
    with store.reading() as connection:
        at = connection.execute(select(func.max(drained_batch.c.drained_at))).scalar_one()
    return None if at is None else datetime.fromisoformat(at)
