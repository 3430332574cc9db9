"""Whatever stands in the outbox is heard, however often its deliverer dies; on both databases."""

import asyncio
import multiprocessing
import random
import time
from pathlib import Path

import pytest

from serving.delivery.delivering import Deliverer
from serving.delivery.signing import new_secret, signing_key
from serving.delivery.webhooks import Webhook
from serving.store.database import LiveStore
from serving.store.outbox import Message, count_letters, put_messages
from tests.serving.delivery.conftest import Receiver
from tests.serving.delivery.test_delivering import START, no_objection

KILLS = 2
MESSAGES = 60
HASTE = 200
"""The deliverers' clock runs so many times as fast: claims of the dead run out within a second."""


def hasty_clock() -> int:
    return START + round(time.monotonic() * 1e6 * HASTE)


def deliver_without_end(state: Path, store_url: str | None, to: str) -> None:
    webhook = Webhook(name="crm", url=to, secret_variables=["S"], allow_private_addresses=True)
    keys = {"crm": (signing_key(new_secret()),)}
    store, rng = LiveStore(state, store_url), random.Random(1)
    worker = Deliverer(store, [webhook], keys, no_objection, hasty_clock, rng)
    asyncio.run(worker.run())


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "sqlite" else request.getfixturevalue("empty_postgres_url")


def test_no_message_is_lost_when_deliverers_are_killed(
    tmp_path: Path, store_url: str | None, receiver: Receiver
) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["serving.delivery.delivering"])
    chance = random.Random(31)
    store = LiveStore(tmp_path, store_url)
    names = [f"msg_{number}" for number in range(MESSAGES)]
    messages = [Message(name, "crm", "c1", "save-max", "{}") for name in names]
    with store.writing() as connection:
        put_messages(connection, messages, hasty_clock())

    def start() -> multiprocessing.process.BaseProcess:
        process = processes.Process(
            target=deliver_without_end, args=(tmp_path, store_url, receiver.url), daemon=True
        )
        process.start()
        return process

    for _ in range(KILLS):
        heard = len(receiver.heard)
        process = start()
        while len(receiver.heard) < min(heard + chance.randint(1, 12), MESSAGES):
            time.sleep(0.001)
        process.kill()
        process.join()
    process = start()
    deadline = time.monotonic() + 60
    while count_letters(store) != {"delivered": MESSAGES} and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.join()
    assert count_letters(store) == {"delivered": MESSAGES}
    assert set(receiver.ids()) == set(names)
    store.close()
