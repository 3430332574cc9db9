"""The deliverer of a workspace, which runs beside the routes of every worker."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from serving.api.current import Current, now
from serving.api.rechecking import Recheck
from serving.delivery.delivering import Deliverer
from serving.delivery.webhooks import signing_keys


def open_deliverer(current: Current) -> Deliverer:
    """Return what delivers to the webhooks of a workspace; what serves judges customers once more.

    Raises
    ------
    ConfigurationError
        If the environment lacks a secret.
    """
    workspace = current.workspace
    webhooks = workspace.configuration.webhooks
    return Deliverer(
        store=workspace.store,
        webhooks=webhooks,
        keys=signing_keys(webhooks, os.environ),
        recheck=Recheck(current),
        clock=now,
        rng=random.Random(),  # noqa: S311 -- it spreads attempts, and guards nothing
    )


@asynccontextmanager
async def delivering(current: Current) -> AsyncIterator[None]:
    """Deliver as long as the service runs; without webhooks, do nothing."""
    if not current.workspace.configuration.webhooks:
        yield
        return
    running = asyncio.create_task(open_deliverer(current).run())
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
