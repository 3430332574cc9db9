"""The customers and plans tables beside the events."""

from datetime import UTC, datetime

import pytest

EVENTS = ("customer_id,kind,occurred_at", "c1,support,2024-01-01")


def test_attributes_are_kept_behind_the_columns_of_the_contract(desk):
    customers = desk.source("customer_id,acquired_at,country", "c1,2023-05-01,AT", into="customers")
    desk.ingest(desk.source(*EVENTS), customers)
    (row,) = desk.log.read_customers().to_pylist()
    assert list(row)[-1] == "country"
    assert (row["country"], row["acquisition_cost"]) == ("AT", None)
    assert row["acquired_at"] == datetime(2023, 5, 1, tzinfo=UTC)


def test_of_a_customer_told_twice_the_first_row_stays(desk):
    lines = ["customer_id,country", "c1,AT", "c1,DE", "c1,AT"]
    report = desk.ingest(desk.source(*EVENTS), desk.source(*lines, into="customers"))
    assert [row["country"] for row in desk.log.read_customers().to_pylist()] == ["AT"]
    (reason,) = report.reasons
    assert (reason.rule, reason.rows) == ("customer_id repeated with other content", 1)
    assert "c1; an earlier row says otherwise" in reason.example


def test_bad_customers_are_quarantined_without_stopping_the_events(desk):
    lines = [
        "customer_id,acquisition_cost,time_zone",
        "c1,-1,UTC",
        "c2,1,Mars/Base",
        ",1,UTC",
        "c4,1,",
    ]
    report = desk.ingest(desk.source(*EVENTS), desk.source(*lines, into="customers"))
    assert [row["customer_id"] for row in desk.log.read_customers().to_pylist()] == ["c4"]
    rules = {reason.rule for reason in report.reasons}
    assert rules == {"acquisition_cost negative", "time_zone unknown", "customer_id missing"}
    assert (report.new, report.quarantined) == (1, 0)


def test_plans_may_change_their_price_over_time(desk):
    lines = ["plan,list_amount,valid_from", "p,12,2024-01-01", "p,9,", "q,,", "r,-1,"]
    report = desk.ingest(desk.source(*EVENTS), desk.source(*lines, into="plans"))
    rows = desk.log.read_plans().to_pylist()
    assert sorted((row["plan"], row["list_amount"]) for row in rows) == [("p", 9.0), ("p", 12.0)]
    assert {reason.rule for reason in report.reasons} == {
        "list_amount missing",
        "list_amount negative",
    }


def test_the_newest_table_replaces_the_older_one(desk):
    events = desk.source(*EVENTS)
    desk.ingest(events, desk.source("plan,list_amount", "p,9", into="plans"))
    report = desk.ingest(events, desk.source("plan,list_amount", "p,10", into="plans"))
    assert report.replaced_tables == ("plans",)
    assert [row["list_amount"] for row in desk.log.read_plans().to_pylist()] == [10.0]


def test_going_back_to_an_older_table_is_a_change_too(desk):
    events = desk.source(*EVENTS)
    for price in (9, 10, 9):
        desk.ingest(events, desk.source("plan,list_amount", f"p,{price}", into="plans"))
    assert len(desk.log.batches) == 3
    assert [row["list_amount"] for row in desk.log.read_plans().to_pylist()] == [9.0]


@pytest.mark.parametrize("into", ["customers", "plans"])
def test_several_sources_may_fill_one_table(desk, into):
    header = "customer_id" if into == "customers" else "plan,list_amount"
    sources = [
        desk.source(header, f"{key},1"[: 1 + 2 * (into == "plans")], into=into, name=key)
        for key in "ab"
    ]
    desk.ingest(desk.source(*EVENTS), *sources)
    read = desk.log.read_customers if into == "customers" else desk.log.read_plans
    assert read().num_rows == 2
