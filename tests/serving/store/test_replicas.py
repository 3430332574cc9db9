"""Two services on one PostgreSQL: same answers, nothing lost, nothing twice."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serving.store.serving_version import add_version, find_version
from serving.workspace import Workspace
from tests.serving.api.calls import Caller, answered, calling, copy_of

CUSTOMERS = [f"replicated-{number}" for number in range(4)]


@pytest.fixture
def replicas(
    operator_workspace: Workspace, empty_postgres_url: str, tmp_path: Path
) -> list[Workspace]:
    """Return two copies of a workspace that share a live store."""
    copies = [copy_of(operator_workspace, tmp_path / name) for name in ("one", "other")]
    shared = [Workspace(one.folder, one.configuration, empty_postgres_url) for one in copies]
    add_version(shared[0].store, find_version(operator_workspace.store))
    return shared


def subscribed(number: int) -> dict[str, object]:
    kind = "subscribe" if number < len(CUSTOMERS) else "usage"
    return {
        "specversion": "1.0",
        "id": f"replicated-event-{number}",
        "source": "/tests",
        "type": f"keepworth.{kind}",
        "subject": CUSTOMERS[number % len(CUSTOMERS)],
        "time": f"2023-06-{1 + number % 28:02d}T00:00:00Z",
        "data": {"amount": 20.0, "label": "Mini" if kind == "subscribe" else "data_gb"},
    }


def test_replicas_share_what_was_posted_to_either(replicas: list[Workspace]) -> None:
    with calling(replicas[0]) as one, calling(replicas[1]) as other:
        callers = (one, other)

        def post(number: int) -> list[str]:
            answers = (caller.record(subscribed(number // 2)) for caller in callers)
            return [answer["results"][0]["status"] for answer in answers]

        with ThreadPoolExecutor(8) as pool:
            statuses = [status for found in pool.map(post, range(80)) for status in found]
        assert statuses.count("accepted") == 40
        assert statuses.count("duplicate") == 120
        assert scores(one) == scores(other)
        changed = subscribed(0) | {"data": {"amount": 99.0, "label": "Max"}}
        assert other.record(changed)["conflict"] == 1


def scores(caller: Caller) -> str:
    body = {"customer_ids": CUSTOMERS, "as_of": "2035-01-01"}
    return json.dumps(answered(caller, "/v1/score", body)["scores"])
