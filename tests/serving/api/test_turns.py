"""Turns: calls alike are answered at once, each gets its own, and never do too many wait."""

import asyncio
import threading
from collections.abc import Iterator, Sequence

import pytest

from serving.api.turns import MOST_TOGETHER, Turns, TurnsTakenError


@pytest.fixture
def turns() -> Iterator[Turns]:
    turns = Turns(most_waiting=8, longest_seconds=60)
    yield turns
    turns.close()


class _Held:
    """Keep the thread busy until it is let go, and note what is asked in each later turn."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.asked: list[Sequence[bytes]] = []
        self.began, self.go = threading.Event(), threading.Event()

    def hold(self) -> bytes:
        self.began.set()
        self.go.wait(30)
        return b"held"

    def answer(self, asked: Sequence[bytes]) -> list[bytes]:
        self.asked.append(asked)
        return [one.upper() for one in asked]

    async def around(self, *calls: tuple[str, bytes, int]) -> list[bytes | BaseException]:
        """Return what calls get that all come while the thread is held."""
        held = asyncio.create_task(self.turns.alone(self.hold))
        await asyncio.to_thread(self.began.wait, 30)
        waiting = [
            asyncio.create_task(self.turns.together(kind, asked, size, self.answer))
            for kind, asked, size in calls
        ]
        await asyncio.sleep(0)
        self.go.set()
        assert await held == b"held"
        return await asyncio.gather(*waiting, return_exceptions=True)


def test_calls_alike_that_wait_are_answered_at_once_and_each_gets_its_own(turns: Turns) -> None:
    held = _Held(turns)
    given = asyncio.run(held.around(("a", b"x", 1), ("b", b"y", 1), ("a", b"z", 1)))
    assert given == [b"X", b"Y", b"Z"]
    assert held.asked == [[b"x", b"z"], [b"y"]]


def test_a_turn_takes_no_more_customers_than_it_may(turns: Turns) -> None:
    held = _Held(turns)
    calls = [("a", b"x", MOST_TOGETHER - 1), ("a", b"y", 2), ("a", b"z", 1)]
    assert asyncio.run(held.around(*calls)) == [b"X", b"Y", b"Z"]
    assert held.asked == [[b"x", b"z"], [b"y"]]


def test_a_call_larger_than_a_turn_is_answered_alone(turns: Turns) -> None:
    held = _Held(turns)
    assert asyncio.run(held.around(("a", b"x", 1000), ("a", b"y", 1))) == [b"X", b"Y"]
    assert held.asked == [[b"x"], [b"y"]]


def test_a_call_beyond_those_that_may_wait_is_refused_and_the_others_are_answered(
    turns: Turns,
) -> None:
    given = asyncio.run(_Held(turns).around(*[("a", b"x", 1)] * 10))
    assert given[:8] == [b"X"] * 8
    assert all(isinstance(one, TurnsTakenError) for one in given[8:])


def test_a_call_that_waited_too_long_is_refused_without_being_answered() -> None:
    turns = Turns(most_waiting=8, longest_seconds=0.0)
    held = _Held(turns)
    with pytest.raises(TurnsTakenError, match="waited"):
        asyncio.run(turns.together("a", b"x", 1, held.answer))
    turns.close()
    assert held.asked == []


def test_one_old_call_takes_no_fresh_one_with_it() -> None:
    turns = Turns(most_waiting=8, longest_seconds=0.5)
    held = _Held(turns)

    async def given() -> list[bytes | BaseException]:
        holding = asyncio.create_task(turns.alone(held.hold))
        await asyncio.to_thread(held.began.wait, 30)
        old = asyncio.create_task(turns.together("a", b"x", 1, held.answer))
        await asyncio.sleep(0.7)
        fresh = asyncio.create_task(turns.together("a", b"y", 1, held.answer))
        await asyncio.sleep(0)
        held.go.set()
        return await asyncio.gather(holding, old, fresh, return_exceptions=True)

    _, old, fresh = asyncio.run(given())
    turns.close()
    assert isinstance(old, TurnsTakenError)
    assert fresh == b"Y"
    assert held.asked == [[b"y"]]


def test_a_call_that_fails_is_told_so_and_those_who_shared_its_turn_are_answered(
    turns: Turns,
) -> None:
    held = _Held(turns)

    def answer(asked: Sequence[bytes]) -> list[bytes]:
        if b"bad" in asked:
            raise OSError(f"{len(asked)} asked")
        return _Held.answer(held, asked)

    held.answer = answer
    given = asyncio.run(held.around(("a", b"x", 1), ("a", b"bad", 1), ("a", b"z", 1)))
    assert given[0::2] == [b"X", b"Z"]
    assert isinstance(given[1], OSError)
    assert str(given[1]) == "1 asked"


def test_closing_answers_what_was_taken_and_takes_nothing_more(turns: Turns) -> None:
    assert asyncio.run(turns.alone(lambda: b"1")) == b"1"
    turns.close()
    with pytest.raises(TurnsTakenError):
        asyncio.run(turns.alone(lambda: b"2"))
