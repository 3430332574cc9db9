"""What an ingest leaves behind: once, again, with more, and with contradictions."""

import csv
import hashlib
import json
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from features.ingest.lock import WorkspaceBusyError, writing
from features.log import Log, bucket_of
from features.mistakes import InputRefusedError

HEADER = "event_id,customer_id,kind,occurred_at,amount"
PAID = "e1,c1,payment,2024-01-01,12"
USED = "e2,c2,usage,2024-01-03,3"


def test_the_report_accounts_for_every_row(desk):
    report = desk.ingest(
        desk.source(HEADER, PAID, PAID, USED, "e3,,usage,2024-01-01,1"), tolerated=0.25
    )
    assert (report.rows_read, report.new, report.repeated, report.quarantined) == (4, 2, 1, 1)
    assert report.rows_by_kind == {"payment": 1, "usage": 1}
    assert report.span == (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC))
    assert (report.customers, report.rows_read_by_source) == (2, {"events": 4})
    json.dumps(report.as_dict(), allow_nan=False)


def test_a_second_ingest_of_the_same_sources_changes_nothing(desk):
    sources = [
        desk.source(HEADER, PAID, USED),
        desk.source("plan,list_amount", "p,9", into="plans"),
    ]
    first = desk.ingest(*sources)
    manifest = (desk.state / "log" / "manifest.json").read_bytes()
    again = desk.ingest(*sources)
    assert again.summary() == "0 new rows, 2 already in the log, 0 quarantined, of 2 read"
    assert again.fingerprint == first.fingerprint
    assert (desk.state / "log" / "manifest.json").read_bytes() == manifest


def test_a_source_that_has_grown_adds_only_what_is_new(desk):
    desk.ingest(desk.source(HEADER, PAID))
    report = desk.ingest(desk.source(HEADER, PAID, USED))
    assert (report.new, report.repeated) == (1, 1)
    assert [batch.source for batch in desk.log.batches] == ["ingest", "ingest"]
    assert sorted(row["event_id"] for row in desk.events()) == ["e1", "e2"]


def test_events_without_ids_are_recognised_when_they_come_again(desk):
    lines = [
        "customer_id,kind,occurred_at,amount",
        "c,payment,2024-01-01,5",
        "c,payment,2024-01-01,5",
    ]
    desk.ingest(desk.source(*lines))
    report = desk.ingest(desk.source(*lines, lines[-1]))
    assert (report.new, report.repeated) == (1, 2)


def test_the_order_of_rows_does_not_change_the_files_of_the_log(desk, tmp_path_factory):
    other = type(desk)(tmp_path_factory.mktemp("other"))
    first = desk.ingest(desk.source(HEADER, PAID, USED))
    second = other.ingest(other.source(HEADER, USED, PAID))
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize("in_one_run", [True, False])
def test_an_id_with_other_content_is_reported_and_the_first_stays(desk, in_one_run):
    other = "e1,c1,payment,2024-01-01,13"
    if in_one_run:
        report = desk.ingest(desk.source(HEADER, PAID, other), tolerated=0.5)
    else:
        desk.ingest(desk.source(HEADER, PAID))
        report = desk.ingest(desk.source(HEADER, other), tolerated=1.0)
    (reason,) = report.reasons
    assert reason.rule == "event_id with other content"
    assert reason.example == (
        "event id e1 is already in the log with other content (amount 12.0, here 13.0)"
    )
    assert [row["amount"] for row in desk.events()] == [12.0]


def test_too_many_bad_rows_leave_the_log_untouched_and_the_rows_to_look_at(desk):
    with pytest.raises(InputRefusedError, match=r"1 of 2 event rows \(50\.00%\)") as error:
        desk.ingest(desk.source(HEADER, PAID, "e2,c2,usage,2024-01-03,-3"), tolerated=0.49)
    assert not (desk.state / "log").exists()
    (path,) = (desk.state / "quarantine").iterdir()
    assert str(path) in str(error.value)
    (row,) = csv.DictReader(path.open())
    assert (row["source"], row["row"], row["customer_id"]) == ("events", "2", "c2")
    assert row["reasons"] == "amount is -3.0; expected a number from 0 to 9e+12"
    assert json.loads(row["values"])["event_id"] == "e2"


def test_rows_of_several_faults_count_once_and_name_each(desk):
    report = desk.ingest(desk.source(HEADER, PAID, "e2,,usage,2024-01-03,-3"), tolerated=0.5)
    assert report.quarantined == 1
    assert {reason.rule for reason in report.reasons} == {"customer_id missing", "amount negative"}


def test_sources_without_any_event_are_refused(desk):
    with pytest.raises(InputRefusedError, match="without rows; expected at least one event"):
        desk.ingest(desk.source(HEADER))


def test_the_manifest_names_files_by_digest_and_each_file_its_batch(desk):
    desk.ingest(desk.source(HEADER, PAID, USED))
    log = desk.log
    (batch,) = log.batches
    for file in batch.files:
        path = log.folder / file.path
        assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
        assert pq.read_metadata(path).metadata[b"batch_id"].decode() == batch.batch_id
        assert {bucket_of(row["customer_id"], 2) for row in pq.read_table(path).to_pylist()} == {
            file.bucket
        }


def test_the_number_of_buckets_stays_what_the_first_ingest_chose(desk):
    desk.ingest(desk.source(HEADER, PAID))
    desk.ingest(desk.source(HEADER, USED))
    assert desk.log.n_buckets == 2


def test_what_a_killed_writer_left_is_removed(desk):
    for name in ("tmp-1234", "0123456789abcdef"):
        (desk.state / "log" / name).mkdir(parents=True)
    desk.ingest(desk.source(HEADER, PAID))
    named = {"manifest.json", desk.log.batches[0].batch_id}
    assert {path.name for path in (desk.state / "log").iterdir()} == named


def test_a_second_writer_is_told_who_writes(desk):
    with writing(desk.state), pytest.raises(WorkspaceBusyError, match=r"Process \d+ is writing"):
        desk.ingest(desk.source(HEADER, PAID))
    assert desk.ingest(desk.source(HEADER, PAID)).new == 1


def test_a_log_opened_before_an_ingest_still_reads_what_it_named(desk):
    desk.ingest(desk.source(HEADER, PAID))
    before = Log.open(desk.state)
    desk.ingest(desk.source(HEADER, USED))
    assert (before.n_events, desk.log.n_events) == (1, 2)


def test_progress_runs_from_nothing_to_all(desk):
    from features.ingest.run import ingest
    from features.rules import CustomerRules
    from features.sources import IngestRules

    heard: list[float] = []
    ingest(
        desk.folder,
        desk.state,
        [desk.source(HEADER, PAID, USED)],
        CustomerRules(contract="subscription", currency="EUR"),
        IngestRules(),
        progress=lambda _, share: heard.append(share),
    )
    assert heard == sorted(heard)
    assert (heard[0], heard[-1]) == (0.0, 1.0)
