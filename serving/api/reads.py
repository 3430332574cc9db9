"""Whom an answer tells of: what the record of reads wants to know."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from starlette.requests import Request

from serving.api.access import CALLER, LOOPBACK, route_of
from serving.api.answers import CustomerAnswer, ScoreAnswer, TriggersAnswer, WhatIfAnswer
from serving.api.call import REQUEST_ID
from serving.store.read_recording import Read


def customers_of(answer: msgspec.Struct) -> list[str]:
    """Return the customers whom an answer tells of, by the ids it gives them."""
    match answer:
        case ScoreAnswer():
            return [row.customer_id for row in answer.scores]
        case WhatIfAnswer():
            return [answer.before.customer_id]
        case CustomerAnswer():
            return [answer.customer_id]
        case TriggersAnswer():
            return list(dict.fromkeys(event.subject for event in answer.triggers))
        case _:
            return []


def record_read(request: Request, customer_ids: Sequence[str]) -> None:
    """Take down who is told of these customers, before the answer goes out.

    Raises
    ------
    NotRecordedError
        If it cannot be recorded; then nobody is told.
    """
    if customer_ids:
        caller = request.scope.get(CALLER, LOOPBACK)
        what = f"{request.method} {route_of(request.url.path)}"
        read = Read(datetime.now(UTC), caller, what, REQUEST_ID.get(), customer_ids)
        request.app.state.reads.record(read)
        request.app.state.traffic.count_told(request.url.path, len(customer_ids))
