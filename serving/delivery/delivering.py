"""Delivering what stands in the outbox: each message until it is heard, or three days are over.

A crash loses nothing: what was claimed is sent again when its claim runs out, under the same id.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import aiohttp

from features.instants import datetime_of
from serving.delivery.announcing import announce_triggers
from serving.delivery.posting import TIMEOUT_SECONDS, Said, open_session, post_message
from serving.delivery.retrying import delay_seconds, pause_asked
from serving.delivery.signing import signed_headers
from serving.delivery.webhooks import Webhook
from serving.store.database import LiveStore
from serving.store.outbox import (
    Claimed,
    Message,
    Settled,
    claim_due,
    close_receiver,
    pause_receiver,
    settle,
)

MOST_AT_ONCE = 8
"""So many messages are on their way to one receiver at most."""
CLAIM_SECONDS = 3 * TIMEOUT_SECONDS
"""A message that nobody settled within it, is free to be sent by another."""
LOOK_SECONDS = 0.5
"""How long a deliverer with nothing to do waits until it looks again."""
AFTER_FAULT_SECONDS = 5.0

logger = logging.getLogger("keepworth.delivery")
Clock = Callable[[], int]


class Objection(NamedTuple):
    """Say why a message is not sent now: not at all, or not before an instant in microseconds."""

    reason: str
    until: int | None = None


Recheck = Callable[[Message, int], Objection | None]
"""Looks once more, when a message is about to go out, whether it still should."""


@dataclass(frozen=True)
class Deliverer:
    """Deliver to the receivers of a workspace, from any number of processes at once.

    `keys` are the signing keys of each webhook by its name.
    """

    store: LiveStore
    webhooks: Sequence[Webhook]
    keys: Mapping[str, tuple[bytes, ...]]
    recheck: Recheck
    clock: Clock
    rng: random.Random

    async def run(self) -> None:
        """Deliver until cancelled; a slow receiver holds up no other."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep("Announcing", self._announce))
            for webhook in self.webhooks:
                tasks.create_task(self._serve(webhook))

    async def deliver_due(self) -> int:
        """Make one attempt at all that is due, and return how many were made."""
        await self._announce()
        counts = await asyncio.gather(*(self._attempt_due(webhook) for webhook in self.webhooks))
        return sum(counts)

    async def _attempt_due(self, webhook: Webhook) -> int:
        count = 0
        async with open_session(allow_private_addresses=webhook.allow_private_addresses) as session:
            while made := await self._attempt_some(webhook, session):
                count += made
        return count

    async def _announce(self) -> int:
        return await asyncio.to_thread(announce_triggers, self.store, self.webhooks, self.clock())

    async def _serve(self, webhook: Webhook) -> None:
        async with open_session(allow_private_addresses=webhook.allow_private_addresses) as session:
            name = f"Deliveries to {webhook.name}"
            await self._keep(name, lambda: self._attempt_some(webhook, session))

    async def _keep(self, name: str, work: Callable[[], Awaitable[int]]) -> None:
        """Do some work again and again, with a rest whenever there was nothing to do."""
        while True:
            try:
                count = await work()
            except Exception:
                # The store may be away for a while; what is claimed is sent again later.
                logger.exception("%s stopped for a moment.", name)
                await asyncio.sleep(AFTER_FAULT_SECONDS)
            else:
                if not count:
                    await asyncio.sleep(LOOK_SECONDS)

    async def _attempt_some(self, webhook: Webhook, session: aiohttp.ClientSession) -> int:
        claimed = await asyncio.to_thread(
            claim_due, self.store, webhook.name, self.clock(), MOST_AT_ONCE, CLAIM_SECONDS
        )
        await asyncio.gather(*(self._attempt(webhook, session, each) for each in claimed))
        return len(claimed)

    async def _attempt(
        self, webhook: Webhook, session: aiohttp.ClientSession, claimed: Claimed
    ) -> None:
        message, now = claimed.message, self.clock()
        objection = await asyncio.to_thread(self.recheck, message, now)
        if objection is not None:
            await asyncio.to_thread(settle, self.store, claimed, _put_off(objection, now))
            return
        body = message.body.encode()
        keys = self.keys[webhook.name]
        headers = signed_headers(keys, message.message_id, now // 1_000_000, body)
        begun = time.monotonic()
        said = await post_message(session, webhook.url, body, headers)
        logger.info(
            "webhook %s to %s, attempt %d: %s in %.0f ms",
            message.message_id,
            webhook.name,
            claimed.attempts + 1,
            said.words,
            (time.monotonic() - begun) * 1000,
        )
        await asyncio.to_thread(self._settle, claimed, said)

    def _settle(self, claimed: Claimed, said: Said) -> None:
        """Write down what came of an attempt, and when there is another."""
        now = self.clock()
        asked = pause_asked(said.retry_after, datetime_of(now))
        if said.is_gone:
            close_receiver(self.store, claimed.message.receiver, datetime_of(now))
        elif said.is_busy and asked:
            pause_receiver(self.store, claimed.message.receiver, now + _microseconds(asked))
        delay = delay_seconds(claimed.attempts + 1, asked, self.rng)
        if said.is_heard:
            outcome = Settled("delivered", said.words, now)
        elif delay is None:
            outcome = Settled("dead", said.words, now)
        else:
            outcome = Settled("waiting", said.words, now + _microseconds(delay))
        settle(self.store, claimed, outcome)


def _put_off(objection: Objection, now: int) -> Settled:
    if objection.until is None:
        return Settled("dropped", objection.reason, now, was_tried=False)
    return Settled("waiting", objection.reason, objection.until, was_tried=False)


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)
