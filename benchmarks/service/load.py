"""A closed loop of HTTP/1.1 calls over keep-alive connections, as cheap as a generator can be.

It runs on the cores that it measures: requests are made beforehand, answers are cut by their
length and looked at only for their status.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Load:
    """Hold what a closed loop of calls measured; latencies in milliseconds, sorted."""

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


def request(base_url: str, path: str, content_type: str, body: bytes) -> bytes:
    """Return a POST as it goes over the wire."""
    host = urlsplit(base_url).netloc
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def closed_loop(
    base_url: str, requests: Iterator[bytes], connections: int, seconds: float
) -> Load:
    """Send on each connection the next request as soon as the last was answered."""
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    began = time.perf_counter()
    ends = began + seconds

    async def run() -> None:
        url = urlsplit(base_url)
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        while (sent := time.perf_counter()) < ends:
            writer.write(next(requests))
            statuses[await _status(reader)] += 1
            latencies.append((time.perf_counter() - sent) * 1000)
        writer.close()

    await asyncio.gather(*(run() for _ in range(connections)))
    return Load(time.perf_counter() - began, sorted(latencies), statuses)


async def _status(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    return int(head[9:12])
