"""Waiting on the event loop for what another thread finds."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

Result = TypeVar("Result")


async def settled(begin: Callable[[Callable[[Result], None]], None]) -> Result:
    """Return what is settled, from any thread, by what `begin` is given; raise what it raises."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result) -> None:
        # The loop is closed where the service was stopped meanwhile: nobody waits any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, found, result)

    begin(settle)
    return await found


def _settle(found: asyncio.Future[Result], result: Result) -> None:
    if not found.done():
        found.set_result(result)
