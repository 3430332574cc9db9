"""CloudEvents 1.0 as callers post them, and what they say in the contract's terms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

from features.contract import EVENT_COLUMNS, KIND_CODES
from features.ingest.checks import faults_of
from features.ingest.defects import Check
from features.instants import datetime_of, instant_of
from features.mistakes import Mistake
from serving.api.decoding import decoded, shown
from serving.api.inline import TIMES, Row, instant_of_text, mistake_of, require_none
from serving.api.problems import UNFIT, Problem
from serving.api.requests import EventData, Instant
from serving.limits import LONGEST_NAME, Limits
from serving.store.live_events import LiveEvent

TYPE_PREFIX = "keepworth."
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
_PLACES = {"event_id": "id", "customer_id": "subject", "kind": "type", "occurred_at": "time"}
_DATA_COLUMNS = tuple(name for name in EVENT_COLUMNS if name not in (*_PLACES, "recorded_at"))
_NO_DATA = EventData()

Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
Type = Annotated[str, Meta(extra_json_schema={"enum": [TYPE_PREFIX + kind for kind in KIND_CODES]})]


class CloudEvent(Struct, forbid_unknown_fields=True, kw_only=True):
    """Something that happened to a customer; it is recorded when it is received.

    `id` is the event's id in the log, whatever the `source`; `subject` is the customer, `type`
    the kind after "keepworth.", `time` when it happened; `data` is the rest of the contract.
    """

    specversion: Literal["1.0"]
    id: Name
    source: Name
    type: Type
    subject: Name
    time: Instant
    datacontenttype: Literal["application/json"] | None = None
    dataschema: Name | None = None
    data: EventData | None = None


@dataclass(frozen=True)
class Reading:
    """Hold by what posted events are read: when they came, in UTC microseconds, and the rules."""

    received_at: int
    checks: Sequence[Check]
    limits: Limits


def items_of(body: bytes, most: int) -> list[bytes]:
    """Return the items of a batch, each to be decoded by itself.

    Raises
    ------
    Problem
        If the body is no JSON (400), no list, or of too many items (422).
    """
    items = decoded(body, list[Raw])
    if len(items) > most:
        expected = f"expected at most {most:,} in one call; split the batch"
        mistake = Mistake("body", f"{len(items):,} events", expected)
        raise Problem(UNFIT, f"{mistake}.", [mistake])
    return [bytes(item) for item in items]


def live_event(item: bytes, reading: Reading) -> LiveEvent:
    """Return the event that JSON says.

    Raises
    ------
    Problem
        If it is no JSON (400), or no event of the contract (422): everything that is wrong.
    """
    event = decoded(item, CloudEvent)
    mistakes: list[Mistake] = []
    row: Row = {"event_id": event.id, "customer_id": event.subject}
    row["kind"] = event.type.removeprefix(TYPE_PREFIX)
    row["occurred_at"] = instant_of_text(event.time, "time", mistakes)
    data = event.data or _NO_DATA
    for column in _DATA_COLUMNS:
        value = getattr(data, column)
        if column in TIMES:
            value = instant_of_text(value, f"data.{column}", mistakes)
        row[column] = None if value == "" else value
    if not event.type.startswith(TYPE_PREFIX):
        expected = f'expected "{TYPE_PREFIX}" and a kind, such as {TYPE_PREFIX}payment'
        mistakes.append(Mistake("type", shown(event.type), expected))
    if not mistakes:
        mistakes = [_placed(mistake_of(sentence)) for sentence in faults_of(row, reading.checks)]
        mistakes += _ahead(row, reading)
    require_none(mistakes)
    return _live(row, reading.received_at)


def _live(row: Row, received_at: int) -> LiveEvent:
    effective_at = row["effective_at"]
    typed = row | {
        "occurred_at": instant_of(row["occurred_at"]),
        "recorded_at": received_at,
        "effective_at": None if effective_at is None else instant_of(effective_at),
    }
    return LiveEvent(**typed)


def _ahead(row: Row, reading: Reading) -> list[Mistake]:
    """Refuse what has not happened yet: it would move the instant at which all scores stand."""
    latest = datetime_of(reading.received_at) + timedelta(seconds=reading.limits.ahead_seconds)
    if row["occurred_at"] is None or row["occurred_at"] <= latest:
        return []
    expected = "expected a time that has come; what takes effect later says so in effective_at"
    return [Mistake("time", shown(row["occurred_at"].isoformat()), expected)]


def _placed(mistake: Mistake) -> Mistake:
    """Name a column of the contract by its place in a CloudEvent."""
    place = _PLACES.get(mistake.key, f"data.{mistake.key}")
    return Mistake(place, mistake.value, mistake.expected)
