"""The benchmark of the service: its load generator against a server of known slowness, its page."""

import asyncio
import threading
from collections.abc import Iterator
from itertools import repeat

import pytest

from benchmarks.service.load import closed_loop, open_loop, request
from benchmarks.service.page import results_page

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
SLOW_SECONDS = 0.05


@pytest.fixture
def url() -> Iterator[str]:
    """Yield the address of a server that takes its time over each call."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(_answer_slowly, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    loop.close()


async def _answer_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readline():
        while await reader.readline() != b"\r\n":
            pass
        await reader.readexactly(2)
        await asyncio.sleep(SLOW_SECONDS)
        writer.write(ANSWER)
    writer.close()


def test_a_closed_loop_waits_for_each_answer(url: str) -> None:
    load = closed_loop(url, repeat(request(url, "/", "application/json", b"{}")), 2, 0.5)
    assert load.statuses == {200: len(load.latencies_ms)}
    assert min(load.latencies_ms) >= SLOW_SECONDS * 1000
    assert load.calls_per_second <= 2 / SLOW_SECONDS


def test_an_open_loop_counts_the_wait_for_a_free_connection(url: str) -> None:
    # 40 calls are due in half a second, of which one connection can do ten.
    load = open_loop(url, repeat(request(url, "/", "application/json", b"{}")), 1, 0.5, 80)
    assert len(load.latencies_ms) == 40
    assert load.quantile_ms(0.99) >= 40 * SLOW_SECONDS * 1000 - 500


def test_a_page_shows_each_part_and_names_those_that_are_missing() -> None:
    at = {"date": "2026-01-01", "commit": "abc", "changed": False}
    machine = {"processor": "P", "cores": 2, "memory_gb": 8}
    row = {"call": "score by id", "connections": 16, "calls_per_second": 1234.5, "p99_ms": 9.87}
    page = results_page({"score": {"at": at, "machine": machine, "readings": [row]}})
    assert "| call | connections | calls/s | p99 |" in page
    assert "| score by id | 16 | 1,234 | 9.9 |" in page
    assert "Not measured yet: ingest, peers, agreement, kill, soak." in page
