"""Events that were posted and are not yet in the log: how they look, and reading them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import pyarrow as pa
from sqlalchemy import Connection, bindparam, select

from features.contract import EVENT_COLUMNS
from features.log import EVENT_SCHEMA
from serving.store.database import LiveStore
from serving.store.tables import live_event, live_state

_MOST_BOUND = 1000
_COLUMNS = [live_event.c[name] for name in EVENT_COLUMNS]
# Built once: making a statement takes longer than running it.
_OF_CUSTOMERS = select(live_state.c.latest_instant, *_COLUMNS).select_from(
    live_state.outerjoin(live_event, live_event.c.customer_id.in_(bindparam("some")))
)
_LATEST = select(live_state.c.latest_instant)
Text = TypeVar("Text", bound=str)


class LiveEvent(NamedTuple):
    """Hold one event as the contract has it; times in UTC microseconds, amounts in major units."""

    event_id: str
    customer_id: str
    kind: str
    occurred_at: int
    recorded_at: int
    effective_at: int | None = None
    subscription_id: str | None = None
    amount: float | None = None
    list_amount: float | None = None
    label: str | None = None
    term_months: int | None = None
    basket_id: str | None = None

    @property
    def content(self) -> tuple[object, ...]:
        """What the event says: all but its id and when we heard of it."""
        return (*self[1:4], *self[5:])

    @property
    def visible_at(self) -> int:
        """The instant after which it is visible: it has happened and is recorded."""
        return max(self.occurred_at, self.recorded_at)


@dataclass(frozen=True)
class LiveHistory:
    """Hold what is live of some customers, and the latest instant of the whole live store."""

    rows: Sequence[LiveEvent]
    latest_instant: int

    @property
    def events(self) -> pa.Table:
        """The events in the columns of the log."""
        return event_table(self.rows)


def live_history(store: LiveStore, customer_ids: Sequence[str]) -> LiveHistory:
    """Return the events of these customers that were posted, drained lately or not at all."""
    with store.reading() as connection:
        # One statement sees both at one instant; what a later part sees in addition lies after it.
        found = [
            connection.execute(_OF_CUSTOMERS, {"some": some}).all()
            for some in parts(customer_ids) or [()]
        ]
    rows = [LiveEvent(*row[1:]) for part in found for row in part if row[1] is not None]
    return LiveHistory(rows, int(found[0][0][0]))


def latest_instant(connection: Connection) -> int:
    """Return the latest instant at which any posted event became visible; 0 before the first."""
    return int(connection.execute(_LATEST).scalar_one())


def event_table(events: Sequence[LiveEvent]) -> pa.Table:
    """Return events with the columns of the log, in the order given."""
    if not events:
        return EVENT_SCHEMA.empty_table()
    columns = zip(*events, strict=True)
    arrays = [
        pa.array(list(values), field.type)
        for values, field in zip(columns, EVENT_SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=EVENT_SCHEMA)


def parts(texts: Sequence[Text]) -> list[Sequence[Text]]:
    """Return texts in parts that one statement can name."""
    return [texts[start : start + _MOST_BOUND] for start in range(0, len(texts), _MOST_BOUND)]
