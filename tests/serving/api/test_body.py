"""A body is read up to the limit and no further, however it comes."""

import tracemalloc

import anyio
import pytest
from starlette.requests import ClientDisconnect, Request

from serving.api.body import HeldBytes, Take, json_body
from serving.api.problems import Problem
from serving.limits import DEFAULT_LIMITS

CHUNK = b" " * 65_536
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Sender:
    """Send chunks without end, and count the bytes taken."""

    def __init__(self, chunks: int | None = None) -> None:
        self.chunks, self.taken = chunks, 0

    async def receive(self) -> dict[str, object]:
        if self.chunks is not None and self.taken >= self.chunks * len(CHUNK):
            return {"type": "http.disconnect"}
        self.taken += len(CHUNK)
        return {"type": "http.request", "body": CHUNK, "more_body": True}


def request_from(sender: Sender) -> Request:
    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    return Request(scope, sender.receive)


async def test_an_endless_body_is_refused_in_bounded_memory() -> None:
    sender = Sender()
    tracemalloc.start()
    with pytest.raises(Problem) as refused:
        await json_body(request_from(sender), DEFAULT_LIMITS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.kind.status == 413
    assert refused.value.headers == {"Connection": "close"}
    assert peak < 2 * DEFAULT_LIMITS.body_bytes
    assert sender.taken < 12 * DEFAULT_LIMITS.body_bytes


async def test_a_body_announced_too_large_is_refused_before_it_comes() -> None:
    length = str(DEFAULT_LIMITS.body_bytes + 1).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}

    with anyio.fail_after(10), pytest.raises(Problem) as refused:
        await json_body(Request(scope, _never), DEFAULT_LIMITS)

    assert refused.value.kind.status == 413


async def test_a_caller_who_hangs_up_is_not_answered() -> None:
    with pytest.raises(ClientDisconnect):
        await json_body(request_from(Sender(chunks=3)), DEFAULT_LIMITS)


async def test_a_body_in_chunks_is_put_together() -> None:
    parts = [b'{"a":', b" 1}", b""]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": len(parts) > 0}

    request = request_from(Sender())
    request._receive = receive
    assert await json_body(request, DEFAULT_LIMITS) == b'{"a": 1}'


async def test_bodies_that_wait_for_their_answers_hold_so_many_bytes_and_no_more() -> None:
    held = HeldBytes(5 * len(CHUNK))

    async def read(chunks: int, take: Take) -> bytes:
        taken = iter(range(chunks - 1, -1, -1))

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": CHUNK, "more_body": next(taken, 0) > 0}

        request = request_from(Sender())
        request._receive = receive
        return await json_body(request, DEFAULT_LIMITS, take=take)

    with held.counting() as first:
        await read(3, first)
        with held.counting() as second, pytest.raises(Problem) as refused:
            await read(3, second)
        assert refused.value.kind.status == 503
        with held.counting() as third:
            await read(2, third)
    with held.counting() as alone:
        assert len(await read(9, alone)) == 9 * len(CHUNK)
    with held.counting() as later:
        await read(5, later)


async def _never() -> dict[str, object]:
    await anyio.sleep_forever()
    raise AssertionError
