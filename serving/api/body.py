"""Reading a request's body: JSON only, never more than the limit."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import anyio.to_thread
from starlette.requests import ClientDisconnect, Request

from serving.api.problems import BUSY, TOO_LARGE, TOO_SLOW, WRONG_CONTENT_TYPE, Problem
from serving.limits import Limits

JSON = "application/json"
Take = Callable[[int], None]
Read = TypeVar("Read")
_READ_AT_ONCE_BYTES = 50_000
_DISCARDED_BODIES = 10
_DISCARDING_SECONDS = 2.0


class HeldBytes:
    """Count the bytes of the bodies that calls to this worker hold until they are answered."""

    def __init__(self, most: int) -> None:
        """Let calls hold so many together; one that finds none held is always taken."""
        self._most, self._bytes = most, 0

    @contextmanager
    def counting(self) -> Iterator[Take]:
        """Yield what takes more bytes for one call, or raises Problem (503) where too many are."""
        own = 0

        def take(more: int) -> None:
            nonlocal own
            if self._bytes > own and self._bytes + more > self._most:
                detail = f"Calls that wait hold {self._bytes:,} bytes. Try again in a second."
                headers = {"Retry-After": "1", "Connection": "close"}
                raise Problem(BUSY, detail, headers=headers)
            own += more
            self._bytes += more

        try:
            yield take
        finally:
            self._bytes -= own


async def json_body(
    request: Request,
    limits: Limits,
    media_types: Sequence[str] = (JSON,),
    take: Take = lambda _: None,
) -> bytes:
    """Return the body of a request that says it is one of these types of JSON.

    `take` is told of every piece before it is kept.

    Raises
    ------
    Problem
        If it says otherwise (415), is larger than the limit (413), or takes longer to arrive (408);
        then reading has stopped.
    """
    _require_type(request, media_types)
    announced = request.headers.get("content-length", "0")
    if int(announced) > limits.body_bytes:
        await _discard(request, limits)
        raise _too_large(limits)
    try:
        with anyio.fail_after(limits.body_seconds):
            return await _read(request, limits, take)
    except TimeoutError as error:
        detail = f"The body did not arrive within {limits.body_seconds} seconds."
        raise Problem(TOO_SLOW, detail, headers={"Connection": "close"}) from error


async def _read(request: Request, limits: Limits, take: Take) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limits.body_bytes:
            chunks.clear()
            await _discard(request, limits)
            raise _too_large(limits)
        try:
            take(len(chunk))
        except Problem:
            chunks.clear()
            await _discard(request, limits)
            raise
        chunks.append(chunk)
    return b"".join(chunks)


async def apart(size: int, read: Callable[[], Read]) -> Read:
    """Return what is read of so many bytes; in a thread where others would wait for long."""
    return await anyio.to_thread.run_sync(read) if size > _READ_AT_ONCE_BYTES else read()


def media_type_of(request: Request) -> str:
    """Return the media type that a request names, without parameters."""
    return request.headers.get("content-type", "missing").partition(";")[0].strip().lower()


def _require_type(request: Request, media_types: Sequence[str]) -> None:
    content_type = request.headers.get("content-type", "missing")
    parameters = content_type.partition(";")[2]
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    encoding = request.headers.get("content-encoding", "identity")
    if media_type_of(request) not in media_types or charset not in ("", "utf-8"):
        raise _wrong_type("content-type", content_type, " or ".join(media_types))
    if encoding != "identity":
        raise _wrong_type("content-encoding", encoding, "identity: send it uncompressed")


def _wrong_type(header: str, value: str, expected: str) -> Problem:
    return Problem(WRONG_CONTENT_TYPE, f"{header} is {value[:80]}; expected {expected}.")


def _too_large(limits: Limits) -> Problem:
    detail = f"The body has more than {limits.body_bytes:,} bytes; split it over more calls."
    return Problem(TOO_LARGE, detail, headers={"Connection": "close"})


async def _discard(request: Request, limits: Limits) -> None:
    """Let a body of a moderate excess end, so that its sender reads the answer, not a reset."""
    discarded = 0
    with anyio.move_on_after(_DISCARDING_SECONDS):
        while discarded < _DISCARDED_BODIES * limits.body_bytes:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            discarded += len(message.get("body", b""))
            if not message.get("more_body", False):
                return
