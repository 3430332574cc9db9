"""Calling the application in this process, and bodies to call it with."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

from features.instants import datetime_of
from serving.api.application import create_application
from serving.api.cloud_events import BATCH
from serving.api.current import Clock, Current, now
from serving.workspace import Workspace, open_workspace

Row = dict[str, Any]
InlineOf = Callable[[str], Row]

SUBSCRIBED = {"kind": "subscribe", "occurred_at": "2023-01-01", "amount": 20.0, "label": "S"}
JSON = {"content-type": "application/json"}
DAY = 86_400_000_000
_NUMBERS = count()


class Caller:
    """Call an application that has started up, without a network."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self._portal, self._client = portal, client

    def request(self, method: str, path: str, **beside: Any) -> httpx.Response:
        return self._portal.call(partial(self._client.request, method, path, **beside))

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def post(self, path: str, **beside: Any) -> httpx.Response:
        return self.request("POST", path, **beside)

    def record(self, *events: Row) -> Row:
        """Post a batch of CloudEvents; return the answer."""
        headers = {"content-type": BATCH}
        content = json.dumps(events).encode()
        answer = self.request("POST", "/v1/events", content=content, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, path: str, content: bytes) -> httpx.Response:
        """Post bytes as JSON, whatever they are."""
        return self.request("POST", path, content=content, headers=JSON)


@contextmanager
def calling(
    workspace: Workspace, clock: Clock = now, client: tuple[str, int] = ("127.0.0.1", 5000)
) -> Iterator[Caller]:
    application = create_application(lambda: Current(workspace, clock))
    transport = httpx.ASGITransport(application, raise_app_exceptions=False, client=client)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(application.router.lifespan_context(application)),
    ):
        yield Caller(portal, httpx.AsyncClient(transport=transport, base_url="http://localhost"))


def text(instant: int) -> str:
    return datetime_of(instant).isoformat().replace("+00:00", "Z")


def happened(customer_id: str, kind: str, instant: int, **data: object) -> Row:
    """Return a CloudEvent of a new id."""
    return {
        "specversion": "1.0",
        "id": f"happened-{next(_NUMBERS)}",
        "source": "/tests",
        "type": f"keepworth.{kind}",
        "subject": customer_id,
        "time": text(instant),
        "data": data,
    }


def copy_of(workspace: Workspace, folder: Path, *tables: str) -> Workspace:
    """Return a copy that a test may change, without what a service may be making just now.

    `tables` are added to its configuration.
    """
    shutil.copytree(workspace.folder, folder, ignore=shutil.ignore_patterns("histories"))
    settings = folder / "keepworth.toml"
    settings.write_text("\n".join([settings.read_text("utf-8"), *tables]), "utf-8")
    return open_workspace(folder)


def answered(caller: Caller, path: str, body: Row) -> Row:
    answer = caller.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def problem(answer: httpx.Response, status: int) -> Row:
    """Return the problem that an answer must be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    details = answer.json()
    assert details["status"] == status
    assert details["type"].startswith("/docs#")
    assert details["title"]
    assert details["detail"]
    return details


def one_customer(*events: Row, **beside: Any) -> Row:
    """Return a request about one inline customer, subscribed since 2023."""
    return {"customers": [{"customer_id": "new", "events": [SUBSCRIBED, *events], **beside}]}
