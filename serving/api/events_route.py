"""POST /v1/events: what happened to customers, durable before it is acknowledged."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import msgspec

from features.mistakes import Mistake
from serving.api.answers import EventResult, EventsAnswer
from serving.api.body import apart
from serving.api.cloud_events import Reading, items_of, live_event
from serving.api.problems import BUSY, CONTRADICTION, GONE, STORE_AWAY, Problem, ProblemError
from serving.api.settling import settled
from serving.store.database import STORE_AWAY_ERRORS
from serving.store.live_events import LiveEvent
from serving.store.publishing import Publisher, QueueFullError, Result
from serving.store.recording import Outcome

_RETRY = {"Retry-After": "1"}
_THERE = ("accepted", "duplicate")


class _Named(msgspec.Struct):
    id: str | None = None


class Recorded(NamedTuple):
    """Hold the answer to a call, and the events that are recorded now, by it or before."""

    answer: EventsAnswer
    events: list[LiveEvent]


async def answer_event(publisher: Publisher, body: bytes, reading: Reading) -> Recorded:
    """Record one event.

    Raises
    ------
    Problem
        If it cannot be read, contradicts what its id said before, is of a customer who was
        erased, or cannot be written now.
    """
    event = await apart(len(body), partial(live_event, body, reading))
    [outcome] = await _recorded(publisher, [event])
    if outcome == "conflict":
        expected = "expected what it said before, or an id of its own"
        mistake = Mistake("id", event.event_id, expected)
        raise Problem(CONTRADICTION, f"{mistake}; nothing was changed.", [mistake])
    if outcome == "erased":
        expected = "expected a customer who was not erased"
        mistake = Mistake("subject", event.customer_id, expected)
        raise Problem(GONE, "The customer was erased; nothing was recorded.", [mistake])
    return Recorded(_answer([EventResult(id=event.event_id, status=outcome)]), [event])


async def answer_batch(publisher: Publisher, body: bytes, reading: Reading) -> Recorded:
    """Record every event of a batch that can be, and say what became of each.

    Raises
    ------
    Problem
        If the body is no list of JSON, or nothing can be written now.
    """
    read = await apart(len(body), partial(_read, body, reading))
    events = [one for one in read if isinstance(one, LiveEvent)]
    found = await _recorded(publisher, events) if events else []
    outcomes = iter(found)
    results = [
        EventResult(id=one.event_id, status=next(outcomes)) if isinstance(one, LiveEvent) else one
        for one in read
    ]
    there = [one for one, outcome in zip(events, found, strict=True) if outcome in _THERE]
    return Recorded(_answer(results), there)


def _read(body: bytes, reading: Reading) -> list[LiveEvent | EventResult]:
    return [_read_item(item, reading) for item in items_of(body, reading.limits.batch_events)]


def _read_item(item: bytes, reading: Reading) -> LiveEvent | EventResult:
    try:
        return live_event(item, reading)
    except Problem as problem:
        mistakes = problem.mistakes or (Mistake("event", "unreadable", problem.detail),)
        errors = [ProblemError(m.key, m.value, m.expected) for m in mistakes]
        return EventResult(id=_id_of(item), status="rejected", errors=errors)


def _id_of(item: bytes) -> str | None:
    with suppress(msgspec.DecodeError, RecursionError):
        return msgspec.json.decode(item, type=_Named).id
    return None


async def _recorded(publisher: Publisher, events: Sequence[LiveEvent]) -> list[Outcome]:
    """Wait until the publisher has made the events durable."""
    try:
        result: Result = await settled(lambda settle: publisher.submit(events, settle))
    except QueueFullError as error:
        raise Problem(BUSY, f"{error} Try again in a second.", headers=_RETRY) from error
    if isinstance(result, (*STORE_AWAY_ERRORS, OSError)):
        detail = "Nothing of this call was recorded; send it again, the same ids count once."
        raise Problem(STORE_AWAY, detail, headers=_RETRY) from result
    if isinstance(result, Exception):
        raise result
    return result


def _answer(results: list[EventResult]) -> EventsAnswer:
    counts = Counter(result.status for result in results)
    return EventsAnswer(
        accepted=counts["accepted"],
        duplicate=counts["duplicate"],
        conflict=counts["conflict"],
        rejected=counts["rejected"],
        erased=counts["erased"],
        results=results,
    )
