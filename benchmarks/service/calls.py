"""The calls that are measured, as bytes made beforehand."""

import json
import uuid
from collections.abc import Iterator
from itertools import count, cycle
from typing import Any

import pandas as pd

from benchmarks.service.load import request

JSON = "application/json"
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


def scores_by_id(url: str, ids: list[str], *, explain: bool = False) -> Iterator[bytes]:
    """Yield questions about one customer after another, again and again."""
    beside = {"explain": True} if explain else {}
    bodies = [json.dumps({"customer_ids": [name], **beside}).encode() for name in ids]
    return cycle([request(url, "/v1/score", JSON, body) for body in bodies])


def scores_inline(url: str, events: pd.DataFrame, ids: list[str]) -> Iterator[bytes]:
    """Yield the same questions with the customers' events."""
    bodies = [
        {"customers": [{"customer_id": name, "events": list(_told(events, name))}]} for name in ids
    ]
    return cycle([request(url, "/v1/score", JSON, json.dumps(body).encode()) for body in bodies])


def events_posted(url: str, ids: list[str], size: int) -> Iterator[bytes]:
    """Yield events with ids that no run had before, so many a call, of customers in turn."""
    run, customers = uuid.uuid4().hex[:12], cycle(ids)
    kind = STRUCTURED if size == 1 else BATCH
    for first in count(step=size):
        events = [
            event_posted(f"{run}-{number}", next(customers))
            for number in range(first, first + size)
        ]
        body = events[0] if size == 1 else b"[" + b",".join(events) + b"]"
        yield request(url, "/v1/events", kind, body)


def event_posted(event_id: str, customer_id: str) -> bytes:
    """Return a CloudEvent as JSON."""
    return (
        b'{"specversion":"1.0","id":"%s","source":"/load","type":"keepworth.usage",'
        b'"subject":"%s","time":"2024-12-30T09:30:00Z","data":{"amount":3,"label":"data_gb"}}'
        % (event_id.encode(), customer_id.encode())
    )


def _told(events: pd.DataFrame, customer_id: str) -> Iterator[dict[str, Any]]:
    own = events[events["customer_id"] == customer_id].drop(columns="customer_id")
    for row in own.to_dict("records"):
        yield {name: _as_json(value) for name, value in row.items() if not pd.isna(value)}


def _as_json(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return int(value) if isinstance(value, float) and value.is_integer() else value
