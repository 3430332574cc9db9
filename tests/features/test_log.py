"""What the log promises to those who read it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.instants import datetime_of, instant_from_text, instant_of
from features.log import EVENT_SCHEMA, Log, bucket_of
from features.mistakes import InputRefusedError, NotFoundError


def day(number: int) -> datetime:
    return datetime(2024, 1, number, tzinfo=UTC)


def event(event_id: str, customer_id: str, occurred: int, recorded: int | None = None) -> dict:
    row: dict[str, Any] = dict.fromkeys(EVENT_SCHEMA.names)
    row |= {"event_id": event_id, "customer_id": customer_id, "kind": "support"}
    return row | {"occurred_at": day(occurred), "recorded_at": day(recorded or occurred)}


def write_log(state: Path, batches: dict[str, list[dict]], n_buckets: int = 1) -> Log:
    """Lay out a log of one events file per batch, all in bucket 0."""
    named = []
    for batch_id, rows in batches.items():
        path = f"{batch_id}/events-000.parquet"
        (state / "log" / batch_id).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows, EVENT_SCHEMA), state / "log" / path)
        file = {"path": path, "table": "events", "bucket": 0, "rows": len(rows), "sha256": batch_id}
        named.append({"batch_id": batch_id, "source": "ingest", "files": [file]})
    manifest = {"format": 1, "buckets": n_buckets, "batches": named}
    (state / "log" / "manifest.json").write_text(json.dumps(manifest))
    return Log.open(state)


def ids(table: pa.Table) -> list[str]:
    return table.column("event_id").to_pylist()


def test_without_a_manifest_the_log_is_empty(tmp_path):
    log = Log.open(tmp_path)
    assert (log.n_buckets, log.n_events, log.files("events")) == (0, 0, [])
    assert log.read_customers().num_rows == 0
    with pytest.raises(NotFoundError, match="keepworth ingest"):
        log.span()


def test_a_damaged_manifest_is_named_and_not_taken_for_an_empty_log(tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "manifest.json").write_text("{")
    with pytest.raises(InputRefusedError, match=r"manifest\.json is damaged"):
        Log.open(tmp_path)


def test_a_manifest_of_a_later_format_is_refused(tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "manifest.json").write_text('{"format": 4}')
    with pytest.raises(InputRefusedError, match="of format 4"):
        Log.open(tmp_path)


def test_events_of_all_batches_come_sorted_by_customer_time_and_id(tmp_path):
    batches = {"aa": [event("e3", "c1", 2), event("e1", "c2", 1)], "bb": [event("e2", "c1", 2)]}
    assert ids(write_log(tmp_path, batches).read_events(0)) == ["e2", "e3", "e1"]


def test_events_that_occurred_or_were_recorded_at_the_instant_or_later_are_invisible(tmp_path):
    rows = [event("seen", "c", 1), event("late", "c", 1, recorded=3), event("at", "c", 3)]
    log = write_log(tmp_path, {"aa": rows})
    assert ids(log.read_events(0, visible_before=day(3))) == ["seen"]


def test_only_the_customers_asked_for_are_read(tmp_path):
    log = write_log(tmp_path, {"aa": [event("e1", "c1", 1), event("e2", "c2", 1)]})
    assert ids(log.read_events(0, customer_ids=["c2", "nobody"])) == ["e2"]
    assert ids(log.read_events(0, customer_ids=[])) == []


def test_a_table_has_the_columns_of_the_contract_even_where_a_bucket_is_empty(tmp_path):
    log = write_log(tmp_path, {"aa": [event("e1", "c1", 1)]}, n_buckets=2)
    assert log.read_events(0).schema.equals(EVENT_SCHEMA)
    assert log.read_events(1).schema.equals(EVENT_SCHEMA)


def test_a_bucket_that_does_not_exist_and_an_instant_without_zone_are_mistakes(tmp_path):
    log = write_log(tmp_path, {"aa": [event("e1", "c1", 1)]})
    with pytest.raises(ValueError, match="bucket is 1; expected 0 <= bucket < 1"):
        log.read_events(1)
    with pytest.raises(ValueError, match="no time zone"):
        log.read_events(0, visible_before=datetime(2024, 1, 1))  # noqa: DTZ001 (the mistake)


def test_the_span_runs_from_the_first_to_the_last_occurrence(tmp_path):
    log = write_log(tmp_path, {"aa": [event("e1", "c", 4)], "bb": [event("e2", "c", 2, 9)]})
    assert log.span() == (day(2), day(4))


def test_what_campaigns_did_ends_no_observation(tmp_path):
    lived = [event("e1", "c", 2), event("e2", "c", 4)]
    campaign = [
        event(f"e{n}", "c", n) | {"kind": kind} for n, kind in ((1, "offer"), (9, "contact"))
    ]
    assert write_log(tmp_path / "one", {"aa": [*lived, *campaign]}).span() == (day(2), day(4))
    assert write_log(tmp_path / "two", {"aa": campaign}).span() == (day(1), day(9))


def test_the_fingerprint_changes_with_the_files(tmp_path):
    one = write_log(tmp_path / "one", {"aa": [event("e1", "c", 1)]})
    two = write_log(tmp_path / "two", {"bb": [event("e1", "c", 1)]})
    assert one.fingerprint == Log.open(tmp_path / "one").fingerprint != two.fingerprint


def test_a_customer_lives_in_the_bucket_of_the_first_32_bits_of_md5():
    # md5("a") begins with 0cc175b9, which is 214005177.
    assert bucket_of("a", 256) == 214005177 % 256
    assert bucket_of("a", 7) == 214005177 % 7


def test_a_date_means_midnight_utc_and_an_offset_is_applied():
    assert instant_from_text("2024-01-05") == day(5)
    assert instant_from_text("2024-01-05T01:30:00+01:30") == day(5)
    assert instant_from_text("2024-01-05 00:00Z") == day(5)


@pytest.mark.parametrize(
    "text",
    [
        *("2024-01-05T00:00", "05/01/2024", "2024-13-01", "1899-12-31", ""),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_text_that_is_no_instant_is_a_mistake(text):
    with pytest.raises(ValueError, match=r"."):
        instant_from_text(text)


@given(st.integers(-(2**50), 2**50))
def test_microseconds_survive_the_way_there_and_back(micros):
    assert instant_of(datetime_of(micros)) == micros
