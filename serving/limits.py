"""How much one call may ask for; beyond it the call is refused, never cut short."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

MOST_CUSTOMERS = 1_000
"""Customers in a call."""
LONGEST_HORIZON = 240
"""Months ahead."""
LONGEST_NAME = 500
"""Characters of an id, a label or another name in an event."""
MOST_SUPPOSED = 100
"""Hypothetical events in a call."""


def _whole(default: int, least: int, most: int) -> Any:
    said = f"a whole number from {least:,} to {most:,}"
    return Field(default=default, ge=least, le=most, description=said)


class Limits(BaseModel):
    """Hold what `[service]` may set; /docs and the OpenAPI document name what holds.

    `events` are inline events in a call, `batch_events` posted ones; `held_bytes` are of the
    bodies of all calls to one worker that are not answered yet; `waiting_events` and
    `waiting_calls` are of all calls to one worker together, `waiting_seconds` is how long a call
    may wait for its turn; `ahead_seconds` is how far the clock of whoever posts an event may be
    ahead of ours. URL and headers together are the head of a call; head and body must arrive
    within so many seconds each.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    body_bytes: int = _whole(10_000_000, 10_000, 1_000_000_000)
    body_seconds: int = _whole(30, 1, 3_600)
    held_bytes: int = _whole(100_000_000, 10_000, 100_000_000_000)
    head_bytes: int = _whole(65_536, 4_096, 1_000_000)
    head_seconds: int = _whole(10, 1, 600)
    events: int = _whole(200_000, 1, 10_000_000)
    explained_customers: int = _whole(20, 1, MOST_CUSTOMERS)
    batch_events: int = _whole(10_000, 1, 1_000_000)
    waiting_events: int = _whole(50_000, 1, 10_000_000)
    waiting_calls: int = _whole(256, 1, 100_000)
    waiting_seconds: int = _whole(10, 1, 600)
    ahead_seconds: int = _whole(300, 0, 86_400)


DEFAULT_LIMITS = Limits()
