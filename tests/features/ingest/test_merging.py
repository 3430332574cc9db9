"""Small batches become one; the log says the same before and after, wherever it was killed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.ingest.appending import append_events
from features.ingest.batch import BatchName
from features.ingest.merging import merge_small_batches
from features.log import EVENT_SCHEMA, Log

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
N_BATCHES = 5


def events(*numbers: int) -> pa.Table:
    rows = [
        {
            "event_id": f"e{number}",
            "customer_id": f"c{number % 9}",
            "kind": "usage",
            "occurred_at": BEGIN + timedelta(hours=number),
            "recorded_at": BEGIN + timedelta(hours=number),
            "amount": float(number),
        }
        for number in numbers
    ]
    return pa.Table.from_pylist(rows, schema=EVENT_SCHEMA)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a log of one ingested batch and five small ones."""
    append_events(tmp_path, events(*range(100, 120)), BatchName("first", "ingest"))
    for number in range(N_BATCHES):
        some = events(*range(number * 7, number * 7 + 7))
        append_events(tmp_path, some, BatchName(f"drain-{number}", "drain"))
    return tmp_path


def content(log: Log) -> list[pa.Table]:
    return [log.read_events(bucket) for bucket in range(log.n_buckets)]


def test_the_log_says_the_same_in_fewer_files(state: Path) -> None:
    before = Log.open(state)
    assert merge_small_batches(state, "drain", most=4) == N_BATCHES
    after = Log.open(state)
    assert content(after) == content(before)
    assert after.n_events == before.n_events
    assert [batch.source for batch in after.batches] == ["ingest", "drain"]
    assert len(after.batches[1].files) == after.n_buckets < len(before.files("events")) / 3
    for bucket in range(after.n_buckets):
        [_, file] = after.files("events", bucket)
        ids = pq.read_table(file).column("customer_id").to_pylist()
        assert ids == sorted(ids)


def test_few_batches_and_those_of_others_are_left_alone(state: Path) -> None:
    before = Log.open(state)
    assert merge_small_batches(state, "drain", most=N_BATCHES) == 0
    assert merge_small_batches(state, "ingest", most=1) == 0
    assert Log.open(state) == before


def test_who_sees_the_log_of_before_can_read_it_until_the_next_writing(state: Path) -> None:
    before = Log.open(state)
    expected = content(before)
    merge_small_batches(state, "drain", most=1)
    assert content(before) == expected
    append_events(state, events(500), BatchName("drain-next", "drain"))
    assert {path.name for path in before.folder.iterdir()} == {
        "manifest.json",
        *(batch.batch_id for batch in Log.open(state).batches),
    }


def test_what_a_killed_merge_left_is_removed_and_nothing_is_missed(state: Path) -> None:
    before = Log.open(state)
    manifest = (before.folder / "manifest.json").read_bytes()
    merge_small_batches(state, "drain", most=1)
    # Killed before the manifest: its files are there, and nobody names them.
    (before.folder / "manifest.json").write_bytes(manifest)
    assert content(Log.open(state)) == content(before)
    assert merge_small_batches(state, "drain", most=1) == N_BATCHES
    assert content(Log.open(state)) == content(before)


def test_a_merged_batch_is_merged_again_until_it_is_large(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge_small_batches(state, "drain", most=1)
    append_events(state, events(500), BatchName("drain-next", "drain"))
    monkeypatch.setattr("features.ingest.merging.LARGE_BATCH_EVENTS", 7 * N_BATCHES)
    assert merge_small_batches(state, "drain", most=1) == 0
    monkeypatch.undo()
    assert merge_small_batches(state, "drain", most=1) == 2
