"""Draining moves posted events into the log exactly once; on SQLite and on PostgreSQL."""

import csv
import multiprocessing
import random
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from features.ingest.appending import append_events
from features.ingest.batch import BatchName
from features.ingest.lock import writing
from features.ingest.merging import MOST_SMALL_BATCHES
from features.log import Log
from serving.store.database import LiveStore
from serving.store.draining import count_waiting, drain
from serving.store.live_events import LiveEvent, event_table, live_history
from serving.store.logged_events import CurrentLog
from serving.store.recording import record_events
from tests.serving.store.conftest import OpenStore
from tests.serving.store.posted import SmallLog, event

NOW = datetime(2025, 6, 15, tzinfo=UTC)
KILLS = (12, pytest.param(100, marks=pytest.mark.long))


def logged(state: Path) -> pa.Table:
    log = Log.open(state)
    parts = [log.read_events(bucket) for bucket in range(log.n_buckets)]
    return pa.concat_tables(parts).sort_by("event_id")


def logged_ids(state: Path) -> list[str]:
    return logged(state).column("event_id").to_pylist()


def log_that_says(state: Path, *events: LiveEvent) -> None:
    """Write events to the log as ingest would have."""
    name = BatchName(f"batch-of-{events[0].event_id}", "ingest")
    assert append_events(state, event_table(list(events)), name) is not None


def test_what_was_posted_is_in_the_log_as_it_was(store: LiveStore) -> None:
    full = event(1, label="data_gb", effective_at=None, basket_id="é")
    record_events(store, [full, event(2, "other")], SmallLog())
    posted = live_history(store, ["c", "other"]).events.sort_by("event_id")
    drained = drain(store, NOW)
    assert (drained.batches, drained.new, drained.repeated, drained.quarantined) == (1, 2, 0, 0)
    assert logged(store.state).equals(posted.combine_chunks())
    assert count_waiting(store) == 0


def test_draining_again_adds_nothing(store: LiveStore) -> None:
    record_events(store, [event(1)], SmallLog())
    drain(store, NOW)
    assert drain(store, NOW).batches == 0
    assert len(Log.open(store.state).batches) == 1


def test_an_empty_store_drains_to_nothing(store: LiveStore) -> None:
    assert drain(store, NOW).batches == 0
    assert Log.open(store.state).batches == ()


def test_large_drains_are_split_into_batches(store: LiveStore) -> None:
    record_events(store, [event(number) for number in range(25)], SmallLog())
    drained = drain(store, NOW, most_events=10)
    assert (drained.batches, drained.new) == (3, 25)
    assert logged_ids(store.state) == sorted(f"e{number}" for number in range(25))


def test_a_drained_id_is_known_after_its_row_is_gone(store: LiveStore) -> None:
    record_events(store, [event(1), event(2)], SmallLog())
    drain(store, NOW)
    drain(store, NOW)
    assert live_history(store, ["c"]).events.num_rows == 0
    log = CurrentLog(store.state).now()
    events = [event(1), event(2, amount=5.0), event(1, "somebody-else"), event(3)]
    outcomes = record_events(store, events, log)
    assert outcomes == ["duplicate", "conflict", "conflict", "accepted"]


def test_the_latest_instant_outlives_the_rows(store: LiveStore) -> None:
    record_events(store, [event(1)], SmallLog())
    drain(store, NOW)
    drain(store, NOW)
    assert live_history(store, []).latest_instant == event(1).visible_at


def test_rows_stay_for_one_drain_so_that_nobody_misses_them(store: LiveStore) -> None:
    record_events(store, [event(1)], SmallLog())
    drain(store, NOW)
    assert live_history(store, ["c"]).events.num_rows == 1
    record_events(store, [event(2)], SmallLog())
    drain(store, NOW)
    assert live_history(store, ["c"]).events.column("event_id").to_pylist() == ["e2"]


def test_an_event_that_was_ingested_meanwhile_is_in_the_log_once(store: LiveStore) -> None:
    posted = event(1)
    record_events(store, [posted, event(2)], SmallLog())
    log_that_says(store.state, posted._replace(recorded_at=posted.occurred_at))
    drained = drain(store, NOW)
    assert (drained.new, drained.repeated, drained.quarantined) == (1, 1, 0)
    assert logged_ids(store.state) == ["e1", "e2"]


def test_a_contradiction_with_the_log_is_quarantined_and_reported(store: LiveStore) -> None:
    record_events(store, [event(1), event(2)], SmallLog())
    log_that_says(store.state, event(1, amount=7.0))
    drained = drain(store, NOW)
    assert (drained.new, drained.repeated, drained.quarantined) == (1, 0, 1)
    [path] = drained.quarantine_files
    with path.open(newline="") as rows:
        [row] = csv.DictReader(rows)
    assert (row["event_id"], row["source"]) == ("e1", "drain")
    assert "already in the log with other content" in row["reasons"]
    assert logged(store.state).column("amount").to_pylist() == [7.0, 1.0]
    assert drain(store, NOW).batches == 0


def test_many_small_drains_leave_few_batches_and_each_event_once(store: LiveStore) -> None:
    rounds = MOST_SMALL_BATCHES + 3
    for number in range(rounds):
        record_events(store, [event(number, f"c{number % 5}")], CurrentLog(store.state).now())
        assert drain(store, NOW).new == 1
    assert len(Log.open(store.state).batches) <= MOST_SMALL_BATCHES
    assert logged_ids(store.state) == sorted(f"e{number}" for number in range(rounds))
    again = [event(number, f"c{number % 5}") for number in range(rounds)]
    outcomes = record_events(store, again, CurrentLog(store.state).now())
    assert set(outcomes) == {"duplicate"}


def test_what_is_posted_during_a_drain_waits_for_the_next(open_store: OpenStore) -> None:
    store, other = open_store(), open_store()
    record_events(store, [event(1)], SmallLog())
    drain(store, NOW)
    record_events(other, [event(2)], SmallLog())
    assert count_waiting(store) == 1
    drain(store, NOW)
    assert logged_ids(store.state) == ["e1", "e2"]


def _drain_in_turn(state: Path, url: str | None) -> None:
    with writing(state):
        drain(LiveStore(state, url), NOW, most_events=40)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "sqlite" else request.getfixturevalue("empty_postgres_url")


@pytest.mark.parametrize("kills", KILLS)
def test_a_drain_killed_anywhere_leaves_every_event_in_the_log_once(
    tmp_path: Path, url: str | None, kills: int
) -> None:
    state = tmp_path / "state"
    store = LiveStore(state, url)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["serving.store.draining"])
    chance = random.Random(17)
    killed = 0
    for number in range(kills):
        events = [event(n, f"c{n % 7}") for n in range(number * 100, number * 100 + 100)]
        assert set(record_events(store, events, CurrentLog(state).now())) == {"accepted"}
        process = processes.Process(target=_drain_in_turn, args=(state, url))
        process.start()
        time.sleep(chance.uniform(0.0, 1.0))
        process.kill()
        process.join()
        killed += process.exitcode != 0
    assert killed
    assert drain(store, NOW).quarantined == 0
    assert logged_ids(state) == sorted(f"e{n}" for n in range(kills * 100))
    assert count_waiting(store) == 0
    repeats = [event(n, f"c{n % 7}") for n in range(kills * 100)]
    assert set(record_events(store, repeats, CurrentLog(state).now())) == {"duplicate"}
