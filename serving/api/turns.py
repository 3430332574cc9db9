"""Answering in turn: a thread of its own takes up calls as they came, those alike together.

What a block of customers costs is mostly the same for one as for ten, so that calls which wait
at the same time are cheap to answer at once; a call that waits with nobody is answered alone.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from serving.api.settling import settled

MOST_TOGETHER = 32
"""Customers who are scored at once for several calls; more wait for the next turn."""

_GATHERING_SECONDS = 0.001

Result = bytes | Exception
Answer = Callable[[Sequence[Any]], Sequence[Result]]


class TurnsTakenError(RuntimeError):
    """Say that too many calls are waiting, or that one has waited too long."""


@dataclass(frozen=True, eq=False)
class _Call:
    kind: Hashable
    asked: Any  # what a call asks is between its route and the answer it gave with it
    size: int
    answer: Answer
    settle: Callable[[Result], None]
    since: float = field(default_factory=time.monotonic)


class Turns:
    """Answer calls one turn after another; never more wait than may, nor for longer."""

    def __init__(self, most_waiting: int, longest_seconds: float) -> None:
        self._most_waiting, self._longest_seconds = most_waiting, longest_seconds
        self._calls: deque[_Call] = deque()
        self._is_closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="answering", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many calls wait for their turn."""
        return len(self._calls)

    async def alone(self, answer: Callable[[], bytes]) -> bytes:
        """Return what a call gets that shares its turn with no other."""
        return await self.together(object(), None, 1, lambda _: [answer()])

    async def together(self, kind: Hashable, asked: object, size: int, answer: Answer) -> bytes:
        """Return what a call gets, answered at once with others of its kind that wait by then.

        Parameters
        ----------
        kind
            `answer` of any call of a kind can answer all calls of it.
        asked
            What `answer` gets of this call; it returns a result for each, in order.
        size
            How many customers the call is about.

        Raises
        ------
        TurnsTakenError
            If too many calls wait, or this one has waited too long.
        """
        result: Result = await settled(
            lambda settle: self._submit(_Call(kind, asked, size, answer, settle))
        )
        if isinstance(result, Exception):
            raise result
        return result

    def close(self) -> None:
        """Take no further call, and return when all that were taken are answered."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    def _submit(self, call: _Call) -> None:
        with self._changed:
            if self._is_closing or len(self._calls) >= self._most_waiting:
                raise TurnsTakenError(f"{len(self._calls)} calls are waiting for their turn.")
            self._calls.append(call)
            self._changed.notify()

    def _run(self) -> None:
        while calls := self._next():
            self._answer(calls)
            # Those who were answered may ask again: the next turn takes them up with the rest.
            time.sleep(_GATHERING_SECONDS)

    def _next(self) -> list[_Call]:
        """Return the calls of the next turn, once there are any; none when it is time to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._calls or self._is_closing)
            if not self._calls:
                return []
            taken = [self._calls.popleft()]
            size = taken[0].size
            for call in [call for call in self._calls if call.kind == taken[0].kind]:
                if size + call.size <= MOST_TOGETHER:
                    self._calls.remove(call)
                    taken.append(call)
                    size += call.size
            return taken

    def _answer(self, calls: Sequence[_Call]) -> None:
        """Settle calls of a kind at once, but for those that have waited too long by now."""
        now = time.monotonic()
        fresh: list[_Call] = []
        for call in calls:
            waited = now - call.since
            if waited <= self._longest_seconds:
                fresh.append(call)
            else:
                call.settle(TurnsTakenError(f"The call waited {waited:.0f} seconds."))
        if not fresh:
            return
        try:
            results = fresh[0].answer([call.asked for call in fresh])
        except Exception as error:  # noqa: BLE001 -- whoever waits is told, whatever it was
            if len(fresh) == 1:
                fresh[0].settle(error)
                return
            # What is wrong with one call is told to no other.
            for call in fresh:
                self._answer([call])
            return
        for call, result in zip(fresh, results, strict=True):
            call.settle(result)
