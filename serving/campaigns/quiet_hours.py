"""Quiet hours: nobody is written to at night, by the clock on the customer's own wall."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from serving.campaigns.campaign import ContactRules


def first_allowed(now: datetime, time_zone: str | None, rules: ContactRules) -> datetime:
    """Return the first instant from `now` on at which a customer may be written to, in UTC.

    `time_zone` is the customer's; where it is missing or no zone, that of the rules counts. Days on
    which clocks change are right: an hour that a clock skips is over when it would have begun, and
    one that it shows twice is quiet twice.
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
    """Return the next instant after `local` at which its clock shows a time, in UTC.

    Of a time that is shown twice both are tried; one that is skipped counts as long after the
    skip as it would have been after its begin.
    """
    days = (local.date() + timedelta(days=ahead) for ahead in range(3))
    shown = (
        datetime.combine(day, at, zone).replace(fold=fold).astimezone(UTC)
        for day in days
        for fold in (0, 1)
    )
    return min(instant for instant in shown if instant > local.astimezone(UTC))
