"""Recording who was told of which customers: beside the calls, together, within a second."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from features.erasure import Erased
from serving.store.audit import Entry, record_reads
from serving.store.database import LiveStore

WRITTEN_WITHIN_SECONDS = 1.0
"""A process that is killed loses the record of so long; one that is stopped loses none."""
MOST_WAITING = 100_000
"""So many customers may wait to be recorded; beyond that nobody is told of more."""

logger = logging.getLogger("keepworth.audit")


class NotRecordedError(RuntimeError):
    """Say that what is to be told cannot be recorded."""


@dataclass(frozen=True)
class Read:
    """Hold who was told of which customers by which call, and when."""

    at: datetime
    actor: str
    route: str
    request_id: str
    customer_ids: Sequence[str]


class ReadRecorder:
    """Write reads in a thread of its own, those of a second in one transaction."""

    def __init__(self, store: LiveStore, salted: Callable[[], Erased]) -> None:
        """Begin to write; `salted` gives the salt of the log as it stands, or raises."""
        self._store, self._salted = store, salted
        self._reads: deque[Read] = deque()
        self._waiting = 0
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="record of reads", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many customers' reads wait to be recorded."""
        return self._waiting

    def record(self, read: Read) -> None:
        """Take a read down; it is durable within a second.

        Raises
        ------
        NotRecordedError
            If too many wait, because the live store does not take them.
        """
        with self._changed:
            if self._waiting >= MOST_WAITING:
                raise NotRecordedError(f"{self._waiting:,} reads wait to be recorded.")
            self._reads.append(read)
            self._waiting += len(read.customer_ids)
            self._changed.notify()

    def close(self) -> None:
        """Return when all that was taken down is written, or cannot be."""
        self._closing.set()
        with self._changed:
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._reads or self._closing.is_set())
            self._closing.wait(WRITTEN_WITHIN_SECONDS)
            self._write()
        self._write()
        if self._reads:
            logger.error("%d reads of customers were not recorded", len(self._reads))

    def _write(self) -> None:
        """Write what waits; what cannot be written goes on waiting."""
        reads = list(self._reads)
        if not reads:
            return
        try:
            salted = self._salted()
            record_reads(self._store, [_entry(read, salted) for read in reads])
        except Exception as error:  # noqa: BLE001 -- whatever it was, it is tried again
            logger.warning("Reads of customers cannot be recorded yet: %s", error)
            return
        with self._changed:
            for _ in reads:
                self._waiting -= len(self._reads.popleft().customer_ids)


def _entry(read: Read, salted: Erased) -> Entry:
    subjects = tuple(map(salted.digest_of, read.customer_ids))
    at, number = read.at.isoformat(), len(read.customer_ids)
    return Entry(at, read.actor, read.route, subjects, number, read.request_id)
