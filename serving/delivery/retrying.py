"""When a message is tried again: ten times over three days, later where the receiver says so."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MINUTE, HOUR = 60, 3600
DELAYS_SECONDS = (
    5,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
"""The schedule that the Standard Webhooks specification gives as its example: 75 hours."""
JITTER = 0.1
"""A delay is up to this share longer, so that what failed together does not come back together."""
LONGEST_ASKED_SECONDS = 24 * HOUR
"""A receiver may ask for no longer a pause than this."""


def delay_seconds(attempts: int, asked_seconds: float, rng: random.Random) -> float | None:
    """Return how long to wait after so many failed attempts; None when there is no further one.

    `asked_seconds` is the pause that the receiver asked for, 0 if it asked for none.
    """
    if attempts > len(DELAYS_SECONDS):
        return None
    planned = DELAYS_SECONDS[attempts - 1] * (1 + JITTER * rng.random())
    return max(planned, asked_seconds)


def pause_asked(retry_after: str | None, now: datetime) -> float:
    """Return the seconds that a Retry-After header asks for, 0 where it asks nothing sensible."""
    if retry_after is None:
        return 0.0
    text = retry_after.strip()
    seconds = float(text) if text.isascii() and text.isdigit() else _until(text, now)
    return min(max(seconds, 0.0), LONGEST_ASKED_SECONDS)


def _until(text: str, now: datetime) -> float:
    try:
        moment = parsedate_to_datetime(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (aware - now).total_seconds()
    except (ValueError, OverflowError):
        return 0.0
