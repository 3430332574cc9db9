"""How much one call may ask for; beyond it the call is refused, never cut short."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Hold the limits of one call; /docs and the OpenAPI document name them.

    `waiting_events` and `waiting_calls` are of all calls to one worker together, `waiting_seconds`
    is how long a call may wait for its turn; `ahead_seconds` is how far the clock of whoever posts
    an event may be ahead of ours. URL and headers together are the head of a call; head and body
    must arrive within so many seconds each.
    """

    body_bytes: int = 10_000_000
    body_seconds: int = 30
    head_bytes: int = 65_536
    head_seconds: int = 10
    customers: int = 1_000
    events: int = 200_000
    explained_customers: int = 20
    horizon_months: int = 240
    batch_events: int = 10_000
    waiting_events: int = 50_000
    waiting_calls: int = 256
    waiting_seconds: int = 10
    name_characters: int = 500
    ahead_seconds: int = 300


LIMITS = Limits()
