"""One writer for all who post at once: what waits together becomes durable together.

A commit costs the disk's patience once, whether it holds one event or a thousand.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from serving.store.database import STORE_AWAY_ERRORS, LiveStore
from serving.store.live_events import LiveEvent
from serving.store.logged_events import despite_rewriting
from serving.store.recording import LoggedEvents, Outcome, record_events

MOST_TOGETHER = 5_000
"""A commit takes up what waits until it holds so many events."""

Result = list[Outcome] | Exception
Settled = Callable[[Result], None]


class QueueFullError(RuntimeError):
    """Say that more events are waiting than may."""


@dataclass(frozen=True)
class _Call:
    events: Sequence[LiveEvent]
    settled: Settled


class Publisher:
    """Write posted events in a thread of its own, in the order in which they were handed over."""

    def __init__(self, store: LiveStore, log: LoggedEvents, most_waiting: int) -> None:
        """Begin to write; `log` is asked in each commit, and answers as it stands then.

        `most_waiting` is how many events may wait; a call that finds none waiting is always taken.
        """
        self._store, self._log, self._most_waiting = store, log, most_waiting
        self._calls: deque[_Call] = deque()
        self._waiting = 0
        self._is_closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many events wait to be written."""
        return self._waiting

    def submit(self, events: Sequence[LiveEvent], settled: Settled) -> None:
        """Hand events over; `settled` is called in the publisher's thread once they are durable.

        It gets what became of each event, or the exception that kept all of them from the store.

        Raises
        ------
        QueueFullError
            If too many events are waiting, or the publisher has been closed.
        """
        with self._changed:
            is_full = self._waiting and self._waiting + len(events) > self._most_waiting
            if is_full or self._is_closing:
                raise QueueFullError(f"{self._waiting} events are waiting to be written.")
            self._calls.append(_Call(events, settled))
            self._waiting += len(events)
            self._changed.notify()

    def close(self) -> None:
        """Take nothing more, and return when all that was taken is written."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while calls := self._next():
            results = self._written(calls)
            with self._changed:
                self._waiting -= sum(len(call.events) for call in calls)
            for call, result in zip(calls, results, strict=True):
                call.settled(result)

    def _next(self) -> list[_Call]:
        """Return what waits, once something does; nothing when it is time to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._calls or self._is_closing)
            calls: list[_Call] = []
            count = 0
            while self._calls and (not calls or count < MOST_TOGETHER):
                calls.append(self._calls.popleft())
                count += len(calls[-1].events)
            return calls

    def _written(self, calls: Sequence[_Call]) -> Sequence[Result]:
        events = [event for call in calls for event in call.events]
        try:
            outcomes = despite_rewriting(lambda: record_events(self._store, events, self._log))
        except (*STORE_AWAY_ERRORS, OSError) as error:
            return [error] * len(calls)
        except Exception as error:  # noqa: BLE001 -- whoever waits is told, whatever it was
            # What is wrong with one call keeps no other out.
            return [error] if len(calls) == 1 else [self._written([each])[0] for each in calls]
        results, start = [], 0
        for call in calls:
            results.append(outcomes[start : start + len(call.events)])
            start += len(call.events)
        return results
