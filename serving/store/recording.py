"""Recording events that were posted: each id once, all of a call durable when it returns."""

from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Literal, Protocol

from sqlalchemy import Connection, Dialect, bindparam, insert, select, update

from features.erasure import ERASED, Erased
from serving.store.database import LiveStore
from serving.store.live_events import LiveEvent, latest_instant, parts
from serving.store.tables import drained_event, live_event, live_state

Outcome = Literal["accepted", "duplicate", "conflict", "erased"]
# Built once: making a statement takes longer than running it.
_LIVE = select(*(live_event.c[name] for name in LiveEvent._fields)).where(
    live_event.c.event_id.in_(bindparam("some"))
)
_DRAINED = select(drained_event.c.event_id).where(drained_event.c.event_id.in_(bindparam("some")))
_INSERT = insert(live_event)


class LoggedEvents(Protocol):
    """Know the events of the log by their ids, and whom it keeps out."""

    @property
    def erased(self) -> Erased:
        """Who was erased."""

    def known(self, event_ids: Sequence[str]) -> set[str]:
        """Return those of the ids that an event of the log bears."""

    def find(self, customer_id: str, event_id: str) -> LiveEvent | None:
        """Return a customer's event by its id, None if no event of this customer bears it."""


def record_events(
    store: LiveStore, events: Sequence[LiveEvent], log: LoggedEvents
) -> list[Outcome]:
    """Write what is new, in one transaction; return what became of each event, in order.

    An id that was heard before, here or in the log, is a `duplicate` if it says the same and a
    `conflict` if not; neither changes anything. When we heard of it is no part of what it says.
    Events of a customer who was `erased` are not taken, and nobody's newcomer has such a name.

    The log is asked within the transaction: whoever is erased meanwhile is erased before it or
    after it.
    """
    ids = list({event.event_id for event in events})
    # What knows the ids of a log that was just written is made before others wait for the turn.
    log.known(ids)
    with store.writing() as connection:
        erased = log.erased
        said = _live(connection, ids)
        elsewhere = _drained(connection, ids) | log.known(ids)
        fresh: dict[str, LiveEvent] = {}
        outcomes: list[Outcome] = []
        for posted in events:
            event = _without_erased(posted, erased)
            known = said.get(event.event_id) or fresh.get(event.event_id)
            if event.customer_id in erased:
                outcomes.append("erased")
            elif known is None and event.event_id in elsewhere:
                known = log.find(event.customer_id, event.event_id)
                outcomes.append(_compared(event, known))
            elif known is None:
                fresh[event.event_id] = event
                outcomes.append("accepted")
            else:
                outcomes.append(_compared(event, known))
        if fresh:
            insert_events(connection, list(fresh.values()))
            _advance(connection, list(fresh.values()))
    return outcomes


def _without_erased(event: LiveEvent, erased: Erased) -> LiveEvent:
    newcomer = event.label if event.kind == "referral_joined" else None
    return event._replace(label=ERASED) if newcomer and newcomer in erased else event


def _compared(event: LiveEvent, known: LiveEvent | None) -> Outcome:
    return "duplicate" if known and known.content == event.content else "conflict"


def _live(connection: Connection, ids: Sequence[str]) -> dict[str, LiveEvent]:
    return {
        row.event_id: LiveEvent(*row)
        for some in parts(ids)
        for row in connection.execute(_LIVE, {"some": some})
    }


def _drained(connection: Connection, ids: Sequence[str]) -> set[str]:
    return {
        event_id
        for some in parts(ids)
        for event_id in connection.execute(_DRAINED, {"some": some}).scalars()
    }


def insert_events(connection: Connection, events: Sequence[LiveEvent]) -> None:
    """Write events that are new for certain, in the transaction of a caller.

    What they say does not move the instant up to which customers are known.
    """
    statement, names = _insert_of(connection.dialect)
    rows = list(map(attrgetter(*names), events)) if names else [one._asdict() for one in events]
    connection.exec_driver_sql(statement, rows)


@lru_cache
def _insert_of(dialect: Dialect) -> tuple[str, Sequence[str]]:
    """Return the insertion as the driver takes it, and its columns where it takes them by place.

    SQLAlchemy takes about as long to name the parameters of a row as SQLite to write it.
    """
    compiled = _INSERT.compile(dialect=dialect, column_keys=LiveEvent._fields)
    return str(compiled), tuple(compiled.positiontup or ())


def _advance(connection: Connection, events: Sequence[LiveEvent]) -> None:
    newest = max(event.visible_at for event in events)
    if newest > latest_instant(connection):
        connection.execute(update(live_state).values(latest_instant=newest))
