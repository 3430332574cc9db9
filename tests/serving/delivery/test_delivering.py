"""Delivery of the outbox to a real receiver, on both databases."""

import asyncio
import random
from collections.abc import Sequence
from itertools import count

import pytest

from features.instants import datetime_of
from features.mistakes import NotFoundError
from serving.delivery.delivering import CLAIM_SECONDS, Deliverer, Objection, Recheck
from serving.delivery.retrying import HOUR
from serving.delivery.signing import new_secret, signed_headers, signing_key
from serving.delivery.webhooks import Webhook
from serving.store.database import LiveStore
from serving.store.outbox import (
    Message,
    State,
    claim_due,
    close_receiver,
    closed_receivers,
    count_letters,
    list_letters,
    pause_receiver,
    put_messages,
    reopen_receiver,
    replay,
)
from tests.serving.delivery.conftest import Receiver, StartReceiver
from tests.serving.store.conftest import OpenStore

START = 1_772_323_200_000_000
SECOND = 1_000_000
KEY = signing_key(new_secret())
ALL_STATES: Sequence[State] = ("waiting", "delivered", "dropped", "dead")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def no_objection(message: Message, now: int) -> Objection | None:
    return None


def webhook(name: str, url: str) -> Webhook:
    return Webhook(name=name, url=url, secret_variables=["S"], allow_private_addresses=True)


def deliverer(
    store: LiveStore, clock: Clock, *webhooks: Webhook, recheck: Recheck = no_objection
) -> Deliverer:
    keys = {each.name: (KEY,) for each in webhooks}
    return Deliverer(store, webhooks, keys, recheck, clock, random.Random(3))


def deliver(worker: Deliverer) -> int:
    return asyncio.run(worker.deliver_due())


def put(store: LiveStore, *names: str, to: str = "crm", body: str = "{}") -> None:
    messages = [Message(name, to, f"of-{name}", "save-max", body) for name in names]
    with store.writing() as connection:
        put_messages(connection, messages, START)


def states(store: LiveStore) -> dict[str, State]:
    return {each.message_id: each.state for each in list_letters(store, ALL_STATES, 100)}


def test_a_message_arrives_once_signed_and_whole(
    store: LiveStore, receiver: Receiver, clock: Clock
) -> None:
    body = '{"data":{"reason":"zurück"}}'
    put(store, "msg_1", body=body)
    worker = deliverer(store, clock, webhook("crm", receiver.url))
    assert deliver(worker) == 1
    assert deliver(worker) == 0
    [heard] = receiver.heard
    signed = signed_headers([KEY], "msg_1", START // SECOND, body.encode())
    assert heard.body.decode() == body
    assert heard.headers.items() >= signed.items()
    assert heard.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert states(store) == {"msg_1": "delivered"}


def test_a_receiver_that_is_down_for_an_hour_hears_all_under_the_same_ids(
    store: LiveStore, receiver: Receiver, clock: Clock
) -> None:
    put(store, "msg_1", "msg_2")
    worker = deliverer(store, clock, webhook("crm", "http://127.0.0.1:9/hooks"))
    while clock.now < START + HOUR * SECOND:
        deliver(worker)
        clock.forward(60)
    assert states(store) == {"msg_1": "waiting", "msg_2": "waiting"}
    again = deliverer(store, clock, webhook("crm", receiver.url))
    while "waiting" in states(store).values():
        clock.forward(60)
        deliver(again)
    assert sorted(receiver.ids()) == ["msg_1", "msg_2"]
    assert clock.now < START + 3 * HOUR * SECOND


def test_what_was_claimed_by_one_that_died_is_sent_by_the_next(
    open_store: OpenStore, receiver: Receiver, clock: Clock
) -> None:
    store = open_store()
    put(store, "msg_1")
    assert len(claim_due(store, "crm", START, 10, CLAIM_SECONDS)) == 1
    store.close()
    worker = deliverer(open_store(), clock, webhook("crm", receiver.url))
    clock.forward(CLAIM_SECONDS - 1)
    assert deliver(worker) == 0
    clock.forward(2)
    assert deliver(worker) == 1
    assert receiver.ids() == ["msg_1"]


def test_two_deliverers_send_each_message_once(
    open_store: OpenStore, receiver: Receiver, clock: Clock
) -> None:
    put(open_store(), *(f"msg_{number}" for number in range(40)))
    hook = webhook("crm", receiver.url)
    workers = [deliverer(open_store(), clock, hook) for _ in range(2)]

    async def both() -> None:
        await asyncio.gather(*(worker.deliver_due() for worker in workers))

    asyncio.run(both())
    assert sorted(receiver.ids()) == sorted(f"msg_{number}" for number in range(40))


def test_an_attempt_moves_the_timestamp_and_keeps_the_id(
    store: LiveStore, receiver: Receiver, clock: Clock
) -> None:
    receiver.script = [(500, {})]
    put(store, "msg_1")
    worker = deliverer(store, clock, webhook("crm", receiver.url))
    deliver(worker)
    clock.forward(6)
    deliver(worker)
    first, second = receiver.heard
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    stamps = [int(each.headers["webhook-timestamp"]) for each in receiver.heard]
    assert stamps == [START // SECOND, START // SECOND + 6]


def test_a_message_that_nobody_hears_dies_after_three_days_and_can_be_replayed(
    store: LiveStore, receiver: Receiver, clock: Clock
) -> None:
    receiver.script = [(500, {})] * 10
    put(store, "msg_1")
    worker = deliverer(store, clock, webhook("crm", receiver.url))
    for _ in range(200):
        deliver(worker)
        clock.forward(HOUR / 2)
    assert len(receiver.heard) == 10
    [letter] = list_letters(store, ["dead"], 10)
    assert (letter.message_id, letter.attempts, letter.last_said) == ("msg_1", 10, "HTTP 500")
    assert replay(store, "msg_1", datetime_of(clock.now), clock.now) == 1
    deliver(worker)
    assert states(store) == {"msg_1": "delivered"}
    assert set(receiver.ids()) == {"msg_1"}
    with pytest.raises(NotFoundError, match="expected a dead one"):
        replay(store, "msg_1", datetime_of(clock.now), clock.now)


def test_a_receiver_that_is_gone_is_left_alone_until_somebody_reopens_it(
    store: LiveStore, receiver: Receiver, clock: Clock
) -> None:
    receiver.script = [(410, {})]
    put(store, "msg_1")
    worker = deliverer(store, clock, webhook("crm", receiver.url))
    deliver(worker)
    put(store, "msg_2")
    clock.forward(HOUR)
    assert deliver(worker) == 0
    assert list(closed_receivers(store)) == ["crm"]
    assert count_letters(store) == {"waiting": 2}
    reopen_receiver(store, "crm", datetime_of(clock.now))
    assert deliver(worker) == 2
    with pytest.raises(NotFoundError, match="expected one that answered 410"):
        reopen_receiver(store, "crm", datetime_of(clock.now))


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_asks_for_a_pause_gets_it_for_all_messages(
    store: LiveStore, receiver: Receiver, clock: Clock, status: int
) -> None:
    receiver.script = [(status, {"Retry-After": "600"})]
    put(store, "msg_1")
    worker = deliverer(store, clock, webhook("crm", receiver.url))
    deliver(worker)
    put(store, "msg_2")
    clock.forward(599)
    assert deliver(worker) == 0
    clock.forward(2)
    assert deliver(worker) == 2


def test_a_redirect_is_not_followed(
    store: LiveStore, start_receiver: StartReceiver, clock: Clock
) -> None:
    receiver, elsewhere = start_receiver(), start_receiver()
    receiver.script = [(307, {"Location": elsewhere.url})]
    put(store, "msg_1")
    deliver(deliverer(store, clock, webhook("crm", receiver.url)))
    assert elsewhere.heard == []
    assert states(store) == {"msg_1": "waiting"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_a_private_address_hears_nothing_unless_it_is_allowed(
    store: LiveStore, receiver: Receiver, clock: Clock, host: str
) -> None:
    url = receiver.url.replace("127.0.0.1", host)
    # As if the name had led elsewhere when the configuration was read.
    hook = webhook("crm", url).model_copy(update={"allow_private_addresses": False})
    put(store, "msg_1")
    deliver(deliverer(store, clock, hook))
    assert receiver.heard == []
    [letter] = list_letters(store, ["waiting"], 10)
    assert "is not public; expected" in (letter.last_said or "")


def test_a_proxy_of_the_environment_is_not_asked(
    store: LiveStore,
    start_receiver: StartReceiver,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receiver, proxy = start_receiver(), start_receiver()
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    put(store, "msg_1")
    deliver(deliverer(store, clock, webhook("crm", receiver.url)))
    assert (receiver.ids(), proxy.heard) == (["msg_1"], [])


def test_what_is_no_longer_wanted_is_dropped_and_what_comes_too_early_waits(
    store: LiveStore, receiver: Receiver, clock: Clock
) -> None:
    objections = {
        "msg_1": Objection("the customer has left"),
        "msg_2": Objection("quiet hours", START + HOUR * SECOND),
    }

    def recheck(message: Message, now: int) -> Objection | None:
        return objections.pop(message.message_id, None)

    put(store, "msg_1", "msg_2", "msg_3")
    worker = deliverer(store, clock, webhook("crm", receiver.url), recheck=recheck)
    deliver(worker)
    assert receiver.ids() == ["msg_3"]
    assert states(store) == {"msg_1": "dropped", "msg_2": "waiting", "msg_3": "delivered"}
    clock.forward(HOUR)
    deliver(worker)
    assert receiver.ids() == ["msg_3", "msg_2"]
    attempts = {each.message_id: each.attempts for each in list_letters(store, ALL_STATES, 9)}
    assert attempts == {"msg_1": 0, "msg_2": 1, "msg_3": 1}


def test_a_receiver_that_hangs_holds_up_no_other(
    store: LiveStore, receiver: Receiver, clock: Clock
) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async def scene() -> None:
        slow = await asyncio.start_server(hang, "127.0.0.1", 0)
        port = slow.sockets[0].getsockname()[1]
        hooks = [webhook("slow", f"http://127.0.0.1:{port}/"), webhook("crm", receiver.url)]
        running = asyncio.create_task(deliverer(store, clock, *hooks).run())
        for _ in count():
            if receiver.heard:
                break
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        slow.close()

    put(store, "msg_1", to="slow")
    put(store, "msg_2", to="crm")
    asyncio.run(asyncio.wait_for(scene(), 10))
    assert receiver.ids() == ["msg_2"]
    assert states(store)["msg_1"] == "waiting"


@pytest.mark.parametrize("said", ["gone", "busy"])
def test_a_receiver_that_does_not_listen_takes_nobody_the_turn_to_write(
    store: LiveStore, clock: Clock, said: str
) -> None:
    put(store, "msg_1")
    if said == "gone":
        close_receiver(store, "crm", datetime_of(clock()))
    else:
        pause_receiver(store, "crm", clock() + HOUR * SECOND)
    with store.writing():
        assert claim_due(store, "crm", clock(), 8, 60) == []
