"""Whatever fails unforeseen: logged, and answered as a problem that shows nothing of the inside."""

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.access import route_of
from serving.api.problems import OUR_FAULT, Problem, problem_response

logger = logging.getLogger("keepworth.api")
_DETAIL = "This call failed through no fault of yours; the service's log says why."


class FaultMiddleware:
    """Answer 500 where an application fails; unlike Starlette's own, keep the connection."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on; a fault after the answer began can only end the connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_begun = False

        async def noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception:
            logger.exception("%s %s failed", scope["method"], route_of(scope["path"]))
            if has_begun:
                raise
            response = problem_response(Problem(OUR_FAULT, _DETAIL), scope["path"])
            await response(scope, receive, send)
