"""One call: an id that its answer and the log share, and a line of the log when it is answered."""

import logging
import random
import re
import time
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.access import CALLER, route_of

logger = logging.getLogger("keepworth.calls")
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the call that is being answered, in its thread too."""
_SOUND = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HEADER = b"x-request-id"
_ON_EVERY_ANSWER = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
"""Answers tell of customers: nothing on the way may keep them, or take them for a page."""
_UNTOLD = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked every few seconds by machines; a line each would bury the rest."""


class CallMiddleware:
    """Give each call the id that its sender gave, or one of its own, and log how it ended."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, and send its id with the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _given(scope) or _made()
        before = REQUEST_ID.set(request_id)
        began = time.perf_counter()

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [*_ON_EVERY_ANSWER, (_HEADER, request_id.encode())]
                message["headers"] = [*message["headers"], *own]
                _log(scope, message, time.perf_counter() - began)
            await send(message)

        try:
            await self.app(scope, receive, telling)
        finally:
            REQUEST_ID.reset(before)


def _given(scope: Scope) -> str | None:
    """Return the id that the sender gave, if it can stand in a line of a log."""
    for name, value in scope["headers"]:
        if name == _HEADER and _SOUND.fullmatch(value):
            return str(value.decode())
    return None


def _made() -> str:
    """Return an id by the chance of this process: it is no secret, and costs no system call."""
    return f"{random.getrandbits(64):016x}"


def _log(scope: Scope, message: MutableMapping[str, Any], seconds: float) -> None:
    """Log a call by its route: a path may name a customer."""
    if scope["path"] in _UNTOLD and message["status"] < 400:
        return
    told = {
        "method": scope["method"][:20],
        "route": route_of(scope["path"])[:100],
        "status": message["status"],
        "milliseconds": round(1000 * seconds, 2),
        "caller": scope.get(CALLER, ""),
    }
    logger.info("answered", extra={"told": told})
