"""Each example's events are those its README promises, counted by hand from a few raw rows."""

from datetime import UTC, datetime
from typing import Any

import pyarrow.parquet as pq

from tests.serving.workspaces.stand_in import StandIn


def _utc(  # noqa: PLR0917 (as datetime takes them)
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0
) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def _only(events: list[dict[str, Any]], *columns: str, **wanted: str) -> list[tuple[Any, ...]]:
    chosen = [e for e in events if all(e[key] == value for key, value in wanted.items())]
    return [tuple(event[column] for column in columns) for event in chosen]


def test_receipt_times_are_utc_and_lines_of_nothing_are_no_purchase(journey: StandIn) -> None:
    journey.set_up()
    journey.ingest()
    payments = _only(
        journey.events(), "occurred_at", "amount", "label", "basket_id", kind="payment"
    )
    at = _utc(2017, 1, 2, 4, 59, 58)
    assert sorted(payments, key=lambda row: row[1]) == [
        (at, 0.5, "PASTRY", "31198570044"),
        (at, 2.25, None, "31198570044"),
    ]


def test_campaign_days_are_local_and_a_coupon_is_known_when_its_day_is_over(
    journey: StandIn,
) -> None:
    journey.set_up()
    journey.ingest()
    columns = ("kind", "occurred_at", "recorded_at", "label", "amount")
    contacts = [row for row in _only(journey.events(), *columns) if row[0] != "payment"]
    # Midnight in New York is 04:00 UTC in summer.
    start, day, known = _utc(2017, 5, 8, 4), _utc(2017, 5, 10, 4), _utc(2017, 5, 11, 4)
    assert contacts == [
        ("contact", start, start, "campaign 8", None),
        ("offer", day, known, "campaign 8", None),
    ]


def test_lines_of_one_day_share_a_basket_and_ids_keep_their_zeros(cdnow: StandIn) -> None:
    cdnow.set_up()
    cdnow.ingest()
    events = _only(cdnow.events(), "customer_id", "occurred_at", "amount", "basket_id")
    assert sorted(events) == [
        ("00001", _utc(1997, 1, 1), 11.77, "00001-19970101"),
        ("00002", _utc(1997, 1, 12), 12.0, "00002-19970112"),
        ("00002", _utc(1997, 1, 12), 77.0, "00002-19970112"),
    ]


def test_terms_become_subscriptions_renewals_changes_and_exits(crm: StandIn) -> None:
    crm.set_up()
    crm.ingest()
    columns = ("customer_id", "kind", "occurred_at", "amount", "list_amount", "label")
    moves = [row for row in _only(crm.events(), *columns) if row[1] != "usage"]
    assert moves == [
        ("0", "subscribe", _utc(2022, 1, 10), 90, 100, "starter"),
        ("0", "plan_change", _utc(2022, 2, 10), 200, 200, "basic"),
        ("0", "plan_change", _utc(2022, 3, 10), 180, 200, "basic"),
        ("0", "renew", _utc(2023, 3, 10), 180, 200, "basic"),
        ("1", "subscribe", _utc(2022, 4, 30), 95, 100, "starter"),
        ("1", "renew", _utc(2022, 10, 31), 95, 100, "starter"),
        ("1", "cancel", _utc(2023, 4, 30), None, None, "voluntary"),
        ("2", "subscribe", _utc(2023, 1, 5), 100, 100, "starter"),
        ("2", "cancel", _utc(2023, 2, 5), None, None, "voluntary"),
        ("2", "subscribe", _utc(2023, 6, 5), 100, 100, "starter"),
        ("2", "cancel", _utc(2023, 7, 5), None, None, "voluntary"),
        ("2", "subscribe", _utc(2023, 12, 1), 100, 100, "starter"),
    ]


def test_usage_counts_values_and_people_are_known_at_the_end_of_the_day(crm: StandIn) -> None:
    crm.set_up()
    crm.ingest()
    usage = _only(crm.events(), "label", "amount", "occurred_at", kind="usage")
    night = _utc(2022, 1, 28, 23, 59, 59)
    assert sorted(usage) == [
        ("search", 9, night),
        ("users", 3, night),
        ("win_opportunity", 2, night),
        ("win_opportunity_value", 1500.5, night),
    ]


def test_accounts_bring_their_channel_and_first_start(crm: StandIn) -> None:
    crm.set_up()
    crm.ingest()
    columns = ("customer_id", "acquired_at", "acquisition_channel", "country")
    assert _only(crm.customers(), *columns) == [
        ("0", _utc(2022, 1, 10), "web", None),
        ("1", _utc(2022, 4, 30), "appstore1", "NY"),
        ("2", _utc(2023, 1, 5), "web", "CA"),
    ]


def test_policies_pay_by_the_month_and_end_after_quarters_of_91_days(life: StandIn) -> None:
    life.set_up()
    life.ingest()
    moves = _only(life.events(), "customer_id", "kind", "occurred_at", "amount", "label")
    # 560.88 / 12 = 46.74 and (560.88 + 526.58) / 12 = 90.62; -1.07 stands for no premium.
    # 4 x 91 days after 2000-01-01 (a leap year) is 12-30; the last exit is after 2010-05-01.
    assert moves == [
        ("1", "subscribe", _utc(1995, 1, 2), 46.74, "whole life"),
        ("2", "subscribe", _utc(2000, 1, 1), 90.62, "whole life"),
        ("2", "cancel", _utc(2000, 12, 30), None, "voluntary"),
        ("3", "subscribe", _utc(2005, 1, 1), 0.0, "whole life"),
        ("3", "cancel", _utc(2005, 4, 2), None, "other"),
        ("4", "subscribe", _utc(2008, 12, 28), 46.74, "whole life"),
    ]


def test_what_was_known_only_at_exit_stays_outside_the_workspace(life: StandIn) -> None:
    life.set_up()
    assert "DJIA" not in pq.read_schema(life.workspace / "data" / "policies.parquet").names
