"""Instants: aware datetimes outside, int64 microseconds since the epoch inside.

The text forms are those of ISO 8601; `features.ingest.columns` reads the same forms in SQL.
"""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

DATE_PATTERN = r"\d{4}-\d{2}-\d{2}"
TIME_PATTERN = r"[T ]\d{2}:\d{2}(:\d{2}([.]\d{1,9})?)?"
OFFSET_PATTERN = r"(Z|[+-]\d{2}(:?\d{2})?)"

_INSTANT = re.compile(f"({DATE_PATTERN})({TIME_PATTERN})?({OFFSET_PATTERN})?", re.ASCII)


def instant_of(moment: datetime) -> int:
    """Return microseconds since the epoch, exactly.

    Raises
    ------
    ValueError
        If the datetime has no zone: whose midnight is it?
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; give one, such as UTC.")
    return (moment - EPOCH) // timedelta(microseconds=1)


def datetime_of(instant: int) -> datetime:
    """Return the aware UTC datetime of microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=int(instant))


def instant_from_text(text: str) -> datetime:
    """Read ISO 8601: a date means 00:00 UTC, a time needs its offset or Z.

    Raises
    ------
    ValueError
        If the text has another form, names no zone for a time, or lies outside 1900 to 2199.

    Examples
    --------
    >>> instant_from_text("2024-01-01").isoformat()
    '2024-01-01T00:00:00+00:00'
    >>> instant_from_text("2024-01-01T02:00:00+02:00").isoformat()
    '2024-01-01T00:00:00+00:00'
    """
    found = _INSTANT.fullmatch(text)
    if found is None or (found[2] is None and found[5] is not None):
        raise ValueError(f"{text!r} is no instant; write 2024-01-31 or 2024-01-31T12:00:00Z.")
    if found[2] is not None and found[5] is None:
        raise ValueError(f"{text!r} has no time zone; add Z or an offset such as +01:00.")
    instant = datetime.fromisoformat(text)
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return _within_bounds(instant)


def _within_bounds(instant: datetime) -> datetime:
    """Compare before converting: the first hours of year 1 have no UTC."""
    if not EARLIEST <= instant < LATEST:
        raise ValueError(f"{instant.isoformat()} is out of range; give a year from 1900 to 2199.")
    return instant.astimezone(UTC)
