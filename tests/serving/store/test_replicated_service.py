"""Two services on one PostgreSQL and one workspace: the same answers, and no event lost."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from features.ingest.lock import writing
from serving.api.cloud_events import STRUCTURED
from serving.api.serve import running_service
from serving.store.database import STORE_URL_VARIABLE
from serving.store.draining import drain
from serving.store.serving_version import add_version, find_version
from serving.workspace import Workspace
from tests.serving.api.calls import Row, copy_of

pytestmark = pytest.mark.long
N_EVENTS = 400


@dataclass(frozen=True)
class Replicas:
    """Hold two running services and the workspace that they share."""

    workspace: Workspace
    clients: tuple[httpx.Client, httpx.Client]


@pytest.fixture
def replicas(
    operator_workspace: Workspace,
    empty_postgres_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Replicas]:
    version = find_version(operator_workspace.store)
    monkeypatch.setenv(STORE_URL_VARIABLE, empty_postgres_url)
    workspace = copy_of(operator_workspace, tmp_path / "copy")
    assert workspace.store.backend == "postgresql"
    add_version(workspace.store, version)
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(
                httpx.Client(
                    base_url=stack.enter_context(running_service(workspace)),
                    timeout=60,
                    trust_env=False,
                )
            )
            for _ in range(2)
        )
        yield Replicas(workspace, (one, two))


def event(number: int, customer_ids: list[str]) -> Row:
    said = {"specversion": "1.0", "id": f"replica-{number}", "source": "/tests"}
    said |= {"type": "keepworth.support", "time": "2023-06-01T00:00:00Z"}
    return said | {"subject": customer_ids[number % len(customer_ids)], "data": {"label": "high"}}


def test_whoever_is_asked_answers_the_same_and_every_event_is_drained_once(
    replicas: Replicas,
) -> None:
    customers = replicas.workspace.log().read_customers().column("customer_id").to_pylist()[:20]

    def post(number: int) -> str:
        # Each event is sent to both, as a caller does whose first answer did not arrive.
        headers = {"content-type": STRUCTURED}
        content = json.dumps(event(number, customers))
        answers = [
            client.post("/v1/events", content=content, headers=headers).json()
            for client in replicas.clients[:: 1 if number % 2 else -1]
        ]
        assert [answer["accepted"] + answer["duplicate"] for answer in answers] == [1, 1]
        return f"replica-{number}"

    with ThreadPoolExecutor(8) as pool:
        acknowledged = list(pool.map(post, range(N_EVENTS)))
    before = scores_of(replicas, customers)
    with writing(replicas.workspace.state):
        drained = drain(replicas.workspace.store, datetime.now(UTC))
    assert (drained.new, drained.repeated, drained.quarantined) == (N_EVENTS, 0, 0)
    log = replicas.workspace.log()
    kept = log.query(
        "SELECT event_id FROM read_parquet($files) WHERE starts_with(event_id, 'replica-')",
        {"files": [str(path) for path in log.files("events")]},
    )
    assert sorted(kept.column("event_id").to_pylist()) == sorted(acknowledged)
    assert scores_of(replicas, customers) == before


def scores_of(replicas: Replicas, customers: list[str]) -> Row:
    """Return what both answer, which must be the same."""
    asked = {"customer_ids": customers}
    one, two = (client.post("/v1/score", json=asked).json() for client in replicas.clients)
    assert one == two
    return one
