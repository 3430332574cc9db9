"""kill -9 of the whole service under load, at random points: what was acknowledged is there once.

Events are posted in batches of five. After each kill the service is started again, which must take
five seconds at most on a machine at rest; a batch that was not answered must be in the store whole
or not at all; then it is posted again. In the end the store holds each event that was ever sent,
once.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from sqlalchemy import select

from benchmarks.features.measuring import Json
from benchmarks.service.calls import BATCH, event_posted
from benchmarks.service.ingest_run import EventsLostError
from benchmarks.service.load import OK, request, status_of
from benchmarks.service.measured import WORKERS
from benchmarks.service.workspace import asked_about, copied, databases
from serving.api.serve import running_service
from serving.store.tables import live_event
from serving.workspace import Workspace

KILLS = 100
CONNECTIONS = 8
BATCH_EVENTS = 5
LONGEST_LIFE_SECONDS = 1.0
_SEED = 7


def kill(cache: Path, seconds: float) -> Iterator[Json]:  # noqa: ARG001 -- as all parts
    """Yield, for each store, what many kills left.

    Raises
    ------
    EventsLostError
        If an acknowledged event is missing, or a batch is there in part.
    """
    for database in databases():
        with copied(cache, database) as workspace:
            yield {"store": database, **_killed(workspace, KILLS)}


def _killed(workspace: Workspace, kills: int) -> Json:
    chance = random.Random(_SEED)  # noqa: S311 -- chance, not secrecy
    sender = _Sender(asked_about(workspace))
    back: list[float] = []
    again = 0
    for _ in range(kills):
        again += len(sender.unanswered)
        began = time.monotonic()
        with running_service(workspace, workers=WORKERS) as url:
            back.append(time.monotonic() - began)
            asyncio.run(sender.until_killed(url, chance.uniform(0.02, LONGEST_LIFE_SECONDS)))
        _require_whole(workspace, sender)
    with running_service(workspace, workers=WORKERS) as url:
        asyncio.run(sender.until_all_are_answered(url))
    stored = _stored(workspace)
    if stored != dict.fromkeys(range(sender.n_sent), BATCH_EVENTS):
        raise EventsLostError(f"{sender.n_sent:,} batches were sent, {len(stored):,} are stored.")
    back.sort()
    return {
        "kills": kills,
        "events": sender.n_sent * BATCH_EVENTS,
        "batches posted again": again,
        "missing or twice": 0,
        "median s to be back": round(back[len(back) // 2], 1),
        "longest s": round(back[-1], 1),
    }


class _Sender:
    """Post numbered batches; know which were answered, over all lives of the service."""

    def __init__(self, ids: list[str]) -> None:
        self._ids = ids
        self.n_sent = 0
        self.answered: set[int] = set()
        self._left: list[int] = []

    @property
    def unanswered(self) -> list[int]:
        """The batches that were sent, and of which nobody knows what became of them."""
        return [number for number in range(self.n_sent) if number not in self.answered]

    async def until_killed(self, url: str, seconds: float) -> None:
        """Post over many connections, those unanswered first; kill the service meanwhile."""
        self._left = self.unanswered
        posting = [asyncio.create_task(self._post(url, endless=True)) for _ in range(CONNECTIONS)]
        await asyncio.sleep(seconds)
        _kill_service(url)
        await asyncio.gather(*posting)

    async def until_all_are_answered(self, url: str) -> None:
        """Post what is unanswered, and nothing else."""
        self._left = self.unanswered
        await self._post(url, endless=False)

    async def _post(self, url: str, *, endless: bool) -> None:
        """Post until the connection ends."""
        address = urlsplit(url)
        with suppress(OSError, EOFError):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            while endless or self._left:
                number = self._next()
                writer.write(request(url, "/v1/events", BATCH, self._batch(number)))
                if await status_of(reader) == OK:
                    self.answered.add(number)

    def _next(self) -> int:
        if self._left:
            return self._left.pop()
        self.n_sent += 1
        return self.n_sent - 1

    def _batch(self, number: int) -> bytes:
        events = (
            event_posted(f"{number}-{place}", self._ids[(number + place) % len(self._ids)])
            for place in range(BATCH_EVENTS)
        )
        return b"[" + b",".join(events) + b"]"


def _kill_service(url: str) -> None:
    """Kill every process of the service at a URL, without a warning."""
    port = str(urlsplit(url).port)
    for process in psutil.Process().children():
        with suppress(psutil.Error):
            if process.cmdline()[-1:] == [port]:
                os.killpg(process.pid, signal.SIGKILL)


def _require_whole(workspace: Workspace, sender: _Sender) -> None:
    stored = _stored(workspace)
    missing = [number for number in sender.answered if number not in stored]
    cut = [number for number, count in stored.items() if count != BATCH_EVENTS]
    if missing or cut:
        raise EventsLostError(f"batches {missing[:5]} are missing, {cut[:5]} are there in part.")


def _stored(workspace: Workspace) -> dict[int, int]:
    """Return how many events of each batch are in the store."""
    with workspace.store.reading() as connection:
        ids = connection.execute(select(live_event.c.event_id)).scalars()
        return dict(Counter(int(event_id.partition("-")[0]) for event_id in ids))
