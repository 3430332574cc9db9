"""Small histories written by hand."""

from datetime import UTC, datetime

import pyarrow as pa

from features.history import History, history_from_events
from features.instants import instant_of
from features.log import EVENT_SCHEMA


def moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at(text):
    """Return an ISO date as an instant in microseconds."""
    return instant_of(moment(text))


def events_of(*rows):
    """Return contract events from (customer, kind, occurred_at[, further columns]) rows."""
    events = []
    for number, (customer_id, kind, occurred_at, *more) in enumerate(rows):
        event = dict.fromkeys(EVENT_SCHEMA.names) | {
            "event_id": f"{number:04d}",
            "customer_id": customer_id,
            "kind": kind,
            "occurred_at": moment(occurred_at),
            "recorded_at": moment(occurred_at),
        }
        for name, value in more[0].items() if more else ():
            event[name] = moment(value) if name.endswith("_at") else value
        events.append(event)
    return pa.Table.from_pylist(events, schema=EVENT_SCHEMA)


def history_of(*rows) -> History:
    """Return the history of events written as rows, in euros."""
    return history_from_events(events_of(*rows), minor_units=100)
