"""What a connection may send before our application sees a request; refused as a problem, too.

Uvicorn takes heads of any size, for as long as they take, and answers what is no HTTP in words of
its own. Everything else is its protocol, unchanged.
"""

import asyncio
from typing import Any, ClassVar

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serving.api.problems import (
    HEAD_TOO_LARGE,
    MALFORMED_HTTP,
    MEDIA_TYPE,
    TOO_SLOW,
    ProblemKind,
    problem_content,
)
from serving.limits import DEFAULT_LIMITS, Limits

_DETAILS = {
    MALFORMED_HTTP: "What was sent is no HTTP/1.1, or says its length in two ways.",
    HEAD_TOO_LARGE: "URL and headers may have {0.head_bytes:,} bytes together.",
    TOO_SLOW: "URL and headers must arrive within {0.head_seconds} seconds.",
}


class HeadTooLargeError(ValueError):
    """Stop reading a head that is larger than it may be."""


class BoundedProtocol(HttpToolsProtocol):
    """Bound what comes before a body: how large it may be, and how long it may take."""

    limits: ClassVar[Limits] = DEFAULT_LIMITS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._named_bytes = self._received_bytes = 0
        self._is_in_head = True
        self._refusal = MALFORMED_HTTP
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; a head that does not end counts with all that came of it."""
        super().data_received(data)
        if self._is_in_head:
            self._received_bytes += len(data)
            if self._received_bytes > self.limits.head_bytes and not self.transport.is_closing():
                self._refuse(HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin to count a head."""
        super().on_message_begin()
        if self._head_timer is None:
            self._await_head()

    def on_url(self, url: bytes) -> None:
        """Count a part of the URL."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Let the application answer."""
        self._end_head()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 -- as Uvicorn calls it
        """Say what was wrong in the shape of all problems, and close the connection."""
        self._refuse(self._refusal)

    def _count(self, more: int) -> None:
        self._named_bytes += more
        if self._named_bytes > self.limits.head_bytes:
            self._refusal = HEAD_TOO_LARGE
            raise HeadTooLargeError

    def _await_head(self) -> None:
        self._is_in_head = True
        self._head_timer = self.loop.call_later(self.limits.head_seconds, self._refuse, TOO_SLOW)

    def _end_head(self) -> None:
        self._is_in_head = False
        self._named_bytes = self._received_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, kind: ProblemKind) -> None:
        self._end_head()
        content = problem_content(kind, _DETAILS[kind].format(self.limits))
        head = (
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(content)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[kind.status] + head.encode() + content)
        self.transport.close()


def bound_connections() -> None:
    """Let Uvicorn, in this process, read connections by the protocol of this module."""
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{BoundedProtocol.__name__}"
