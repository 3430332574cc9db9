"""Quiet hours: nobody is written to at night, by the clock on the customer's own wall."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from serving.campaigns.campaign import ContactRules


def first_allowed(now: datetime, time_zone: str | None, rules: ContactRules) -> datetime:
    """Return the first instant from `now` on at which a customer may be written to, in UTC.

    `time_zone` is the customer's; where it is missing or no zone, that of the rules counts. Days on
    which clocks change are right: an end that a clock skips is the instant of the skip, and an hour
    that it shows twice is quiet twice.
    """
    if rules.quiet_from is None or rules.quiet_until is None:
        return now.astimezone(UTC)
    zone = zone_of(time_zone, rules)
    local = now.astimezone(zone)
    if not _is_quiet(local.time(), rules.quiet_from, rules.quiet_until):
        return now.astimezone(UTC)
    ends = _next_time(local, rules.quiet_until, zone)
    # Between the two a clock may go back into the quiet hours.
    return first_allowed(ends, time_zone, rules)


def zone_of(time_zone: str | None, rules: ContactRules) -> ZoneInfo:
    """Return the zone of a customer, or where none is known that of the rules."""
    try:
        return ZoneInfo(time_zone or rules.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(rules.time_zone)


def _is_quiet(at: time, begins: time, ends: time) -> bool:
    if begins < ends:
        return begins <= at < ends
    return at >= begins or at < ends


def _next_time(local: datetime, at: time, zone: ZoneInfo) -> datetime:
    """Return the next instant after `local` at which its clock comes to a time, in UTC.

    Of a time that is shown twice both are tried; one that is skipped comes with the skip.
    """
    days = (local.date() + timedelta(days=ahead) for ahead in range(3))
    shown = (
        instant for day in days for instant in _instants_of(datetime.combine(day, at, zone), zone)
    )
    return min(instant for instant in shown if instant > local.astimezone(UTC))


def _instants_of(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return when a clock comes to a time of a day, in UTC; of one shown twice both instants."""
    first, second = (wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return [first, second]
    # The clock skips it (PEP 495): the skip lies between the two, on a whole minute.
    before = second.astimezone(zone).utcoffset()
    minute = second.replace(second=0, microsecond=0)
    while minute.astimezone(zone).utcoffset() == before:
        minute += timedelta(minutes=1)
    return [minute]
