"""The BentoML service: the deployable around our application, which answers every request.

A worker imports this module; nothing is read until it starts up.
"""

import gc
import os
from pathlib import Path
from typing import Any, cast

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.api.application import create_application
from serving.api.connection import BoundedProtocol, bound_connections
from serving.api.current import Current
from serving.api.logs import log_as_json
from serving.workspace import open_workspace

WORKSPACE_VARIABLE = "KEEPWORTH_WORKSPACE"


class InFront:
    """Answer every HTTP request with an application of ours; BentoML keeps the lifespan."""

    def __init__(self, app: ASGIApp, application: ASGIApp) -> None:
        self.app = app
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Shadow BentoML's own pages, documents and error shapes."""
        inner = self.application if scope["type"] == "http" else self.app
        await inner(scope, receive, send)


def _opened() -> Current:
    """Load what serves; what start-up made is never looked at again by the collector."""
    log_as_json()
    current = Current(open_workspace(Path(os.environ[WORKSPACE_VARIABLE])))
    BoundedProtocol.limits = current.limits
    gc.collect()
    gc.freeze()
    return current


bound_connections()
_application = create_application(_opened)


@bentoml.asgi_app(_application)
@bentoml.service(
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
    logging={"access": {"enabled": False}},
)
class Keepworth:
    """Customer lifetime value over HTTP; the routes are those of the mounted application."""


cast("Any", Keepworth).add_asgi_middleware(InFront, application=_application)
