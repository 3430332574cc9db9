"""One writer for all who post at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from features.erasure import Erased
from serving.store.database import LiveStore
from serving.store.live_events import live_history
from serving.store.publishing import Publisher, QueueFullError, Result
from serving.store.recording import LoggedEvents
from tests.serving.store.posted import SmallLog, event

MOST_WAITING = 20


class Waiting:
    """Hold what became of the events of several calls, in the order in which it was told."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self._told = threading.Semaphore(0)

    def settle(self, result: Result) -> None:
        self.results.append(result)
        self._told.release()

    def await_(self, calls: int) -> list[Result]:
        for _ in range(calls):
            assert self._told.acquire(timeout=30)
        return self.results


class HeldUpLog(SmallLog):
    """Answer once a gate is open."""

    def __init__(self, gate: threading.Event) -> None:
        super().__init__()
        self._gate = gate

    @property
    def erased(self) -> Erased:
        self._gate.wait()
        return super().erased


@contextmanager
def publishing(store: LiveStore, log: LoggedEvents | None = None) -> Iterator[Publisher]:
    publisher = Publisher(store, log or SmallLog(), MOST_WAITING)
    try:
        yield publisher
    finally:
        publisher.close()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Return what a held-up log waits for; open at the latest at the end."""
    gate = threading.Event()
    yield gate
    gate.set()


def test_what_is_settled_is_in_the_store(store: LiveStore) -> None:
    waiting = Waiting()
    with publishing(store) as publisher:
        publisher.submit([event(1), event(2)], waiting.settle)
        assert waiting.await_(1) == [["accepted", "accepted"]]
        assert live_history(store, ["c"]).events.num_rows == 2


def test_calls_that_wait_together_are_told_apart(store: LiveStore, gate: threading.Event) -> None:
    waiting = Waiting()
    with publishing(store, HeldUpLog(gate)) as publisher:
        publisher.submit([event(0)], waiting.settle)
        publisher.submit([event(1), event(2)], waiting.settle)
        publisher.submit([event(1), event(2, amount=9.0)], waiting.settle)
        publisher.submit([event(3)], waiting.settle)
        gate.set()
        assert waiting.await_(4) == [
            ["accepted"],
            ["accepted", "accepted"],
            ["duplicate", "conflict"],
            ["accepted"],
        ]


def test_a_full_queue_takes_nothing_more_until_it_is_written(
    store: LiveStore, gate: threading.Event
) -> None:
    waiting = Waiting()
    with publishing(store, HeldUpLog(gate)) as publisher:
        publisher.submit([event(n) for n in range(MOST_WAITING)], waiting.settle)
        with pytest.raises(QueueFullError, match="20 events are waiting"):
            publisher.submit([event(100)], waiting.settle)
        gate.set()
        waiting.await_(1)
        publisher.submit([event(100)], waiting.settle)
        assert waiting.await_(1)[-1] == ["accepted"]
        assert publisher.waiting == 0


def test_a_call_larger_than_the_queue_is_taken_where_none_waits(store: LiveStore) -> None:
    waiting = Waiting()
    with publishing(store) as publisher:
        publisher.submit([event(n) for n in range(3 * MOST_WAITING)], waiting.settle)
        assert waiting.await_(1) == [["accepted"] * 3 * MOST_WAITING]


def test_what_no_database_takes_keeps_out_nothing_that_came_with_it(
    store: LiveStore, gate: threading.Event
) -> None:
    waiting = Waiting()
    with publishing(store, HeldUpLog(gate)) as publisher:
        publisher.submit([event(0)], waiting.settle)
        publisher.submit([event(1)], waiting.settle)
        publisher.submit([event(2, term_months=2**70)], waiting.settle)
        publisher.submit([event(3)], waiting.settle)
        gate.set()
        results = waiting.await_(4)
    assert [results[at] for at in (0, 1, 3)] == [["accepted"]] * 3
    assert isinstance(results[2], Exception)


def test_closing_writes_what_was_taken_and_takes_no_more(store: LiveStore) -> None:
    waiting = Waiting()
    publisher = Publisher(store, SmallLog(), MOST_WAITING)
    for number in range(10):
        publisher.submit([event(number)], waiting.settle)
    publisher.close()
    assert waiting.results == [["accepted"]] * 10
    with pytest.raises(QueueFullError):
        publisher.submit([event(11)], waiting.settle)


def test_what_cannot_be_written_is_told_and_the_next_call_is_taken(tmp_path: Path) -> None:
    store = LiveStore(tmp_path)
    waiting = Waiting()
    with store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE live_event RENAME TO aside")
    with publishing(store) as publisher:
        publisher.submit([event(1)], waiting.settle)
        assert isinstance(waiting.await_(1)[0], Exception)
        with store.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE aside RENAME TO live_event")
        publisher.submit([event(1)], waiting.settle)
        assert waiting.await_(1)[1] == ["accepted"]
