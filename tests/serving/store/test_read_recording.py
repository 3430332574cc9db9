"""The record of reads: within a second, all of it when the service stops, nobody by name."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.erasure import Erased
from features.ingest.lock import WorkspaceBusyError, writing
from features.ingest.salting import salted
from features.log import Log
from serving.store.audit import count_reads, find_entries, forget_reads
from serving.store.database import LiveStore
from serving.store.read_recording import (
    MOST_WAITING,
    WRITTEN_WITHIN_SECONDS,
    NotRecordedError,
    Read,
    ReadRecorder,
)

NOW = datetime(2025, 6, 15, 12, tzinfo=UTC)
SALTED = Erased("cafe")


def read(number: int, *customer_ids: str) -> Read:
    at = NOW + timedelta(minutes=number)
    return Read(at, "key-1", "POST /v1/score", f"call-{number}", customer_ids)


def test_a_read_is_on_record_within_a_second_and_names_nobody(store: LiveStore) -> None:
    recorder = ReadRecorder(store, lambda: SALTED)
    recorder.record(read(1, "ann", "bob"))
    time.sleep(2 * WRITTEN_WITHIN_SECONDS)
    [entry] = find_entries(store, 10)
    recorder.close()
    assert (entry.actor, entry.what, entry.request_id) == ("key-1", "POST /v1/score", "call-1")
    assert entry.at == "2025-06-15T12:01:00+00:00"
    assert entry.customers == 2
    assert entry.subjects == (SALTED.digest_of("ann"), SALTED.digest_of("bob"))
    assert recorder.waiting == 0


def test_stopping_writes_what_waits(store: LiveStore) -> None:
    recorder = ReadRecorder(store, lambda: SALTED)
    for number in range(500):
        recorder.record(read(number, "ann"))
    recorder.close()
    assert count_reads(store) == 500


def test_entries_are_found_by_customer_by_key_and_by_time(store: LiveStore) -> None:
    recorder = ReadRecorder(store, lambda: SALTED)
    for number, names in enumerate([("ann",), ("bob", "ann"), ("bob",)]):
        recorder.record(read(number, *names))
    recorder.close()
    about = find_entries(store, 10, subject=SALTED.digest_of("ann"))
    assert [entry.request_id for entry in about] == ["call-1", "call-0"]
    late = find_entries(store, 10, since=NOW + timedelta(minutes=1))
    assert [entry.request_id for entry in late] == ["call-2", "call-1"]
    assert find_entries(store, 10, actor="key-2") == []
    assert [entry.request_id for entry in find_entries(store, 1)] == ["call-2"]


def test_reads_are_forgotten_on_record(store: LiveStore) -> None:
    recorder = ReadRecorder(store, lambda: SALTED)
    for number in range(3):
        recorder.record(read(number, "ann"))
    recorder.close()
    assert forget_reads(store, NOW + timedelta(minutes=2), NOW + timedelta(days=1)) == 2
    act, left = find_entries(store, 10)
    assert left.request_id == "call-2"
    assert (act.what, act.subjects) == ("forget reads", ("before 2025-06-15T12:02:00+00:00",))


def test_what_cannot_be_recorded_waits_and_beyond_a_limit_is_refused(store: LiveStore) -> None:
    is_away = True

    def salt() -> Erased:
        if is_away:
            raise WorkspaceBusyError("somebody writes")
        return SALTED

    recorder = ReadRecorder(store, salt)
    recorder.record(read(0, *(f"c{number}" for number in range(MOST_WAITING))))
    with pytest.raises(NotRecordedError):
        recorder.record(read(1, "ann"))
    time.sleep(1.5 * WRITTEN_WITHIN_SECONDS)
    assert (recorder.waiting, count_reads(store)) == (MOST_WAITING, 0)
    is_away = False
    recorder.close()
    assert (recorder.waiting, count_reads(store)) == (0, 1)


def test_a_log_without_a_salt_gets_one_that_stays(tmp_path: Path) -> None:
    with writing(tmp_path), pytest.raises(WorkspaceBusyError):
        salted(tmp_path)
    first = salted(tmp_path)
    assert len(first.salt) == 32
    assert salted(tmp_path) == first == Log.open(tmp_path).erased
    assert "anybody" not in first
