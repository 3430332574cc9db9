"""Whatever was acknowledged is there once, however the process ends; on both databases."""

import multiprocessing
import random
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from sqlalchemy import func, select

from serving.store.database import LiveStore
from serving.store.live_events import live_history
from serving.store.publishing import Publisher
from serving.store.tables import live_event
from tests.serving.store.posted import SmallLog, event

KILLS = (10, pytest.param(100, marks=pytest.mark.long))
CUSTOMERS = [f"c{number}" for number in range(5)]


def post_without_end(state: Path, url: str | None, first: int, told: Connection) -> None:
    """Post batches of one to nine events from a number on; tell each that is acknowledged."""
    publisher = Publisher(LiveStore(state, url), SmallLog(), 1000)
    chance = random.Random(first)
    told.send([])

    def acknowledge(numbers: list[int]) -> Callable[[object], None]:
        return lambda result: told.send(numbers if isinstance(result, list) else [])

    while True:
        numbers = list(range(first, first + chance.randint(1, 9)))
        first = numbers[-1] + 1
        while publisher.waiting > 100:
            time.sleep(0.0005)
        publisher.submit([event(n, CUSTOMERS[n % 5]) for n in numbers], acknowledge(numbers))


def received(told: Connection) -> list[int]:
    """Return all that was told until the teller was killed, but for a message cut short."""
    numbers: list[int] = []
    try:
        while told.poll():
            numbers += told.recv()
    except (EOFError, OSError):
        pass
    return numbers


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "sqlite" else request.getfixturevalue("empty_postgres_url")


@pytest.mark.parametrize("kills", KILLS)
def test_every_acknowledged_event_outlives_a_kill_and_is_there_once(
    tmp_path: Path, url: str | None, kills: int
) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["serving.store.publishing"])
    chance = random.Random(29)
    acknowledged: list[int] = []
    LiveStore(tmp_path, url).close()
    for kill in range(kills):
        here, there = processes.Pipe(duplex=False)
        arguments = (tmp_path, url, kill * 1_000_000, there)
        process = processes.Process(target=post_without_end, args=arguments, daemon=True)
        process.start()
        there.close()
        assert here.poll(60), "the process did not begin"
        time.sleep(chance.uniform(0.01, 0.3))
        process.kill()
        process.join()
        acknowledged += received(here)
    store = LiveStore(tmp_path, url)
    table = live_history(store, CUSTOMERS).events
    kept = table.column("event_id").to_pylist()
    assert len(acknowledged) > kills
    assert {f"e{number}" for number in acknowledged} <= set(kept)
    assert len(set(kept)) == len(kept)
    with store.reading() as connection:
        count = select(func.count()).select_from(live_event)
        assert connection.execute(count).scalar_one() == len(kept)
    _require_whole_batches(kept, kills)


def _require_whole_batches(kept: list[str], kills: int) -> None:
    """Hold that of a call, the unacknowledged one included, all is there or nothing."""
    numbers = {int(event_id.removeprefix("e")) for event_id in kept}
    for kill in range(kills):
        first = kill * 1_000_000
        chance = random.Random(first)
        while first in numbers:
            size = chance.randint(1, 9)
            assert set(range(first, first + size)) <= numbers
            first += size
