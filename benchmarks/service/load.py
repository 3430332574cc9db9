"""HTTP/1.1 calls over keep-alive connections, as cheap as a generator can be.

It runs on the cores that it measures: requests are made beforehand, answers are cut by their
length and looked at only for their status. Speaks to loopback alone, and ends by its clock.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import uvloop

from benchmarks.features.measuring import Json

OK = 200
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Running = Callable[[Connection, "Noted"], Awaitable[None]]


@dataclass(frozen=True)
class Load:
    """Hold what a run of calls measured; latencies in milliseconds, sorted."""

    seconds: float
    latencies_ms: list[float]
    statuses: Counter[int]

    @property
    def calls_per_second(self) -> float:
        """Answered calls by the time they took together."""
        return len(self.latencies_ms) / self.seconds

    def quantile_ms(self, share: float) -> float:
        """Return the latency that this share of calls did not exceed."""
        place = min(len(self.latencies_ms) - 1, int(share * len(self.latencies_ms)))
        return self.latencies_ms[place]

    def as_dict(self) -> Json:
        """Return the figures of a table."""
        quantiles = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
        return {
            "calls": len(self.latencies_ms),
            "calls_per_second": round(self.calls_per_second, 1),
            **{name: round(self.quantile_ms(share), 2) for name, share in quantiles.items()},
            "not_ok": sum(self.statuses.values()) - self.statuses[OK],
        }


class Noted:
    """Note latencies and statuses as they come."""

    def __init__(self) -> None:
        self.latencies_ms: list[float] = []
        self.statuses: Counter[int] = Counter()

    async def call(self, connection: Connection, request: bytes, since: float) -> None:
        """Send a request, await its answer, and note its time since an instant."""
        reader, writer = connection
        writer.write(request)
        self.statuses[await status_of(reader)] += 1
        self.latencies_ms.append((time.perf_counter() - since) * 1000)


def request(base_url: str, path: str, content_type: str, body: bytes) -> bytes:
    """Return a POST as it goes over the wire."""
    host = urlsplit(base_url).netloc
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def closed_loop(base_url: str, requests: Iterator[bytes], connections: int, seconds: float) -> Load:
    """Send on each connection the next request as soon as the last was answered."""
    ends = time.perf_counter() + seconds

    async def run(connection: Connection, noted: Noted) -> None:
        while (sent := time.perf_counter()) < ends:
            await noted.call(connection, next(requests), sent)

    return _measured(base_url, run, connections)


def open_loop(
    base_url: str, requests: Iterator[bytes], connections: int, seconds: float, rate: float
) -> Load:
    """Send so many requests a second whether or not the service keeps up.

    A latency counts from when its request was to be sent: one that waits for a free connection
    waits for the service (Tene's coordinated omission is not committed).
    """
    began = time.perf_counter()
    dues = iter(began + number / rate for number in range(int(rate * seconds)))

    async def run(connection: Connection, noted: Noted) -> None:
        for due in dues:
            await asyncio.sleep(due - time.perf_counter())
            await noted.call(connection, next(requests), due)

    return _measured(base_url, run, connections)


def _measured(base_url: str, run: Running, connections: int) -> Load:
    noted = Noted()

    async def alone() -> None:
        url = urlsplit(base_url)
        connection = await asyncio.open_connection(url.hostname, url.port)
        await run(connection, noted)
        connection[1].close()

    async def together() -> None:
        await asyncio.gather(*(alone() for _ in range(connections)))

    began = time.perf_counter()
    uvloop.run(together())
    return Load(time.perf_counter() - began, sorted(noted.latencies_ms), noted.statuses)


async def status_of(reader: asyncio.StreamReader) -> int:
    """Read an answer to its end; return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    return int(head[9:12])
