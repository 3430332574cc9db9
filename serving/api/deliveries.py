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
from serving.workspace import Workspace


def open_deliverer(workspace: Workspace) -> Deliverer:
    """Return what delivers to the webhooks of a workspace.

    Raises
    ------
    ConfigurationError
        If the environment lacks a secret.
    NotFoundError
        If no model version serves, by which customers are judged once more.
    """
    webhooks = workspace.configuration.webhooks
    return Deliverer(
        store=workspace.store,
        webhooks=webhooks,
        keys=signing_keys(webhooks, os.environ),
        recheck=Recheck(Current(workspace)),
        clock=now,
        rng=random.Random(),  # noqa: S311 -- it spreads attempts, and guards nothing
    )


@asynccontextmanager
async def delivering(workspace: Workspace) -> AsyncIterator[None]:
    """Deliver as long as the service runs; without webhooks, do nothing."""
    if not workspace.configuration.webhooks:
        yield
        return
    running = asyncio.create_task(open_deliverer(workspace).run())
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
