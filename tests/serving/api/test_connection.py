"""What comes before a body is bounded in size and time, and what is no HTTP is a problem too."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from serving.limits import DEFAULT_LIMITS
from tests.serving.api.calls import Row
from tests.serving.api.conftest import Keyed


class Wire:
    """Speak to the server byte by byte."""

    def __init__(self, base_url: str) -> None:
        address = urlsplit(base_url)
        self._socket = socket.create_connection((address.hostname, address.port), timeout=60)

    def send(self, said: bytes) -> "Wire":
        # The server may have refused already, and said so.
        with suppress(OSError):
            self._socket.sendall(said)
        return self

    def answer(self) -> tuple[int, bytes]:
        """Return status and body of the one answer there is before the connection is closed."""
        said = b""
        with suppress(ConnectionResetError):
            while part := self._socket.recv(65_536):
                said += part
        head, _, body = said.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def wire(keyed: Keyed) -> Iterator[Wire]:
    with closing(Wire(keyed.base_url)) as wire:
        yield wire


def refused(wire: Wire, status: int, anchor: str) -> Row:
    found, body = wire.answer()
    details = json.loads(body)
    assert (found, details["status"], details["type"]) == (status, status, f"/docs#{anchor}")
    return details


def post(*headers: str, body: bytes = b"{}") -> bytes:
    lines = ["POST /v1/score HTTP/1.1", "Host: here", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.mark.parametrize(
    "said",
    [
        post("Content-Length: 2", "Content-Length: 3"),
        post("Content-Length: 2", "Content-Length: 2"),
        post("Content-Length: 2", "Transfer-Encoding: chunked", body=b"0\r\n\r\nGET /livez"),
        post("Transfer-Encoding: chunked, identity"),
        post("Transfer-Encoding: xchunked"),
        post("Content-Length: -2"),
        post("Content-Length: +2"),
        post("Content-Length : 2"),
        post("X-Folded: a", " b", "Content-Length: 2"),
        post("Transfer-Encoding: chunked", body=b"zz\r\n{}\r\n0\r\n\r\n"),
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET /v1/customers/a\x00b HTTP/1.1\r\nHost: here\r\n\r\n",
        b"BREW /v1/score HTTP/1.1\r\nHost: here\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_http_or_may_be_read_in_two_ways_is_refused(wire: Wire, said: bytes) -> None:
    refused(wire.send(said), 400, "malformed-http")


@pytest.mark.parametrize(
    "said",
    [
        b"GET /" + b"a" * DEFAULT_LIMITS.head_bytes + b" HTTP/1.1\r\nHost: here\r\n\r\n",
        post("X-Large: " + "a" * DEFAULT_LIMITS.head_bytes, "Content-Length: 2"),
        post(*(f"X-{number}: {number}" for number in range(10_000)), "Content-Length: 2"),
    ],
    ids=["url", "header", "headers"],
)
def test_a_head_beyond_the_limit_is_431(wire: Wire, said: bytes) -> None:
    details = refused(wire.send(said), 431, "head-too-large")
    assert f"{DEFAULT_LIMITS.head_bytes:,}" in details["detail"]


def test_a_head_up_to_the_limit_is_read_in_however_many_pieces(keyed: Keyed) -> None:
    fits = DEFAULT_LIMITS.head_bytes - 200
    said = b"GET /livez HTTP/1.1\r\nHost: here\r\nConnection: close\r\nX-Large: "
    for piece in (1_000, 1_000_000):
        with closing(Wire(keyed.base_url)) as wire:
            whole = said + b"a" * fits + b"\r\n\r\n"
            for first in range(0, len(whole), piece):
                wire.send(whole[first : first + piece])
            assert wire.answer()[0] == 200


def test_an_endless_header_takes_no_memory(keyed: Keyed, wire: Wire) -> None:
    before = memory_of(keyed)
    wire.send(b"GET /livez HTTP/1.1\r\nX-Endless: ")
    for _ in range(300):
        wire.send(b"a" * 1_000_000)
    refused(wire, 431, "head-too-large")
    assert memory_of(keyed) - before < 50_000_000


def memory_of(keyed: Keyed) -> int:
    """Return the memory of the server's processes together."""
    port = str(urlsplit(keyed.base_url).port)
    servers = [one for one in psutil.Process().children() if one.cmdline()[-1:] == [port]]
    everyone = [one for server in servers for one in (server, *server.children(recursive=True))]
    assert everyone
    return sum(one.memory_info().rss for one in everyone)


def test_a_head_that_takes_too_long_is_408_and_others_are_served(keyed: Keyed, wire: Wire) -> None:
    began = time.monotonic()
    wire.send(b"GET /livez HTTP/1.1\r\nHost: here\r\nX-Slow: ")
    assert httpx.get(f"{keyed.base_url}/livez", trust_env=False).status_code == 200
    refused(wire, 408, "too-slow")
    assert -1 < time.monotonic() - began - DEFAULT_LIMITS.head_seconds < 10


@pytest.mark.long
def test_a_body_that_takes_too_long_is_408(keyed: Keyed, wire: Wire) -> None:
    token = keyed.tokens["score"]
    wire.send(post(f"Authorization: Bearer {token}", "Content-Length: 100", body=b"{"))
    refused(wire, 408, "too-slow")
