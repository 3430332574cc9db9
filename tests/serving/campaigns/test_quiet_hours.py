"""Quiet hours hold on the customer's own clock, also on the days on which clocks change."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serving.campaigns.campaign import ContactRules
from serving.campaigns.quiet_hours import first_allowed

NIGHT = ContactRules(quiet_from=time(20), quiet_until=time(8), time_zone="UTC")
ZONES = ("Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_by_day_nobody_waits():
    noon = utc("2025-06-01T12:00")
    assert first_allowed(noon, "Europe/Vienna", NIGHT) == noon


def test_the_same_instant_is_night_for_one_and_day_for_another():
    evening = utc("2025-06-01T19:00")
    assert first_allowed(evening, "Europe/Vienna", NIGHT) == utc("2025-06-02T06:00")
    assert first_allowed(evening, "America/New_York", NIGHT) == evening


def test_a_night_in_which_clocks_go_forward_ends_an_hour_earlier():
    """Vienna, 2025-03-30: at 02:00 it becomes 03:00, so that 8 o'clock is 06:00 UTC."""
    assert first_allowed(utc("2025-03-29T20:00"), "Europe/Vienna", NIGHT) == utc("2025-03-30T06:00")
    assert first_allowed(utc("2025-03-28T20:00"), "Europe/Vienna", NIGHT) == utc("2025-03-29T07:00")


def test_a_night_in_which_clocks_go_back_ends_an_hour_later():
    """Vienna, 2025-10-26: at 03:00 it becomes 02:00, so that 8 o'clock is 07:00 UTC."""
    assert first_allowed(utc("2025-10-25T20:00"), "Europe/Vienna", NIGHT) == utc("2025-10-26T07:00")


def test_an_end_that_the_clock_skips_is_over_after_the_skip():
    early = ContactRules(quiet_from=time(20), quiet_until=time(2, 30))
    for now in ("2025-03-30T00:00", "2025-03-30T00:59"):
        assert first_allowed(utc(now), "Europe/Vienna", early) == utc("2025-03-30T01:00")
    assert first_allowed(utc("2025-03-30T01:00"), "Europe/Vienna", early) == utc("2025-03-30T01:00")


def test_an_hour_that_the_clock_shows_twice_is_quiet_twice():
    """02:10 the second time: quiet until 02:30 of the second time, 01:30 UTC."""
    early = ContactRules(quiet_from=time(20), quiet_until=time(2, 30))
    assert first_allowed(utc("2025-10-26T01:10"), "Europe/Vienna", early) == utc("2025-10-26T01:30")


def test_without_a_zone_of_its_own_a_customer_has_that_of_the_rules():
    rules = NIGHT.model_copy(update={"time_zone": "Asia/Tokyo"})
    for unknown in (None, "", "Mars/Base", "../etc/passwd"):
        assert first_allowed(utc("2025-06-01T12:00"), unknown, rules) == utc("2025-06-01T23:00")


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2025, 12, 31)),  # noqa: DTZ001 -- UTC is added
    st.sampled_from(ZONES),
    st.times(),
    st.times(),
)
@example(datetime(2025, 3, 30), "Europe/Vienna", time(20), time(2, 30))  # noqa: DTZ001
@example(datetime(2025, 10, 4, 15), "Australia/Lord_Howe", time(20), time(2, 10))  # noqa: DTZ001
@example(datetime(2025, 10, 26, 1, 10), "Europe/Vienna", time(20), time(2, 30))  # noqa: DTZ001
def test_it_is_the_first_minute_that_is_not_quiet(now, zone, begins, ends):
    now = now.replace(second=0, microsecond=0, tzinfo=UTC)
    begins, ends = (each.replace(second=0, microsecond=0) for each in (begins, ends))
    if begins == ends:
        return
    found = first_allowed(now, zone, ContactRules(quiet_from=begins, quiet_until=ends))

    def is_quiet(at):
        shown = at.astimezone(ZoneInfo(zone)).time()
        inside = begins <= shown < ends
        return inside if begins < ends else shown >= begins or shown < ends

    assert found >= now
    assert not is_quiet(found)
    steps = int((found - now) / timedelta(minutes=1))
    assert all(is_quiet(now + timedelta(minutes=minute)) for minute in range(steps))


def test_quiet_hours_need_both_ends():
    with pytest.raises(ValueError, match="expected quiet_from and quiet_until"):
        ContactRules(quiet_from=time(20))
