"""The customers and plans tables beside the events."""

import json
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from features.log import Log, bucket_of

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


def customers_of(desk, *lines):
    return desk.source("customer_id,country", *lines, into="customers")


def test_customers_lie_in_the_bucket_of_their_events_in_order(desk):
    lines = [f"c{number},AT" for number in range(40)]
    desk.ingest(desk.source(*EVENTS), customers_of(desk, *lines))
    log = desk.log
    per_bucket = [log.files("customers", bucket) for bucket in range(log.n_buckets)]
    assert [len(files) for files in per_bucket] == [1, 1]
    for bucket, (path,) in enumerate(per_bucket):
        ids = pq.read_table(path).column("customer_id").to_pylist()
        assert ids == sorted(ids)
        assert {bucket_of(each, 2) for each in ids} == {bucket}
    wanted = ["c7", "c3", "nobody"]
    assert log.read_customers(wanted).column("customer_id").to_pylist() == ["c3", "c7"]
    assert log.read_customers().num_rows == 40


def test_of_nobody_the_columns_are_known(desk):
    desk.ingest(desk.source(*EVENTS), customers_of(desk, "c1,AT"))
    for ids in ([], ["c1 is not me"]):
        assert desk.log.read_customers(ids).num_rows == 0
        assert desk.log.read_customers(ids).column_names[-1] == "country"


def test_a_table_without_rows_replaces_one_that_had_some(desk):
    events = desk.source(*EVENTS)
    desk.ingest(events, customers_of(desk, "c1,AT"))
    report = desk.ingest(events, desk.source("customer_id,country", into="customers"))
    assert report.replaced_tables == ("customers",)
    assert desk.log.read_customers().num_rows == 0
    again = desk.ingest(events, desk.source("customer_id,country", into="customers"))
    assert again.replaced_tables == ()


def test_customers_of_a_log_in_one_file_are_read_and_laid_out_anew_by_the_next_ingest(desk):
    sources = desk.source(*EVENTS), customers_of(desk, "c1,AT", "c2,DE", "c4,IT")
    desk.ingest(*sources)
    rows = desk.log.read_customers()
    into_format_1(desk.log)
    assert desk.log.read_customers() == rows
    assert desk.log.read_customers(["c2"], bucket=0).column("country").to_pylist() == ["DE"]
    assert desk.ingest(*sources).replaced_tables == ("customers",)
    assert desk.log.has_customers_by_bucket
    assert desk.log.read_customers() == rows
    assert desk.ingest(*sources).replaced_tables == ()


def into_format_1(log: Log) -> None:
    """Lay the customers of a log of one batch in one file, as the first version did."""
    manifest = log.manifest() | {"format": 1}
    (batch,) = manifest["batches"]
    name = f"{batch['batch_id']}/customers.parquet"
    pq.write_table(log.read_customers(), log.folder / name)
    own = [file for file in batch["files"] if file["table"] != "customers"]
    one = {"path": name, "table": "customers", "bucket": None, "rows": 3, "sha256": "1"}
    manifest["batches"] = [batch | {"files": [*own, one]}]
    (log.folder / "manifest.json").write_text(json.dumps(manifest))


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
