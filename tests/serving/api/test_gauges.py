"""What Prometheus is told of how things stand: lag, queues, model, and whether all is well."""

import re
from collections.abc import Iterator

import pytest

from features.ingest.lock import writing
from features.instants import datetime_of
from serving.store.draining import drain
from serving.store.serving_version import ModelVersion, add_version
from serving.workspace import Workspace
from tests.serving.api.calls import Caller, calling, copy_of

HOUR = 3_600_000_000


@pytest.fixture(scope="module")
def workspace(operator_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return copy_of(operator_workspace, tmp_path_factory.mktemp("gauges") / "copy")


@pytest.fixture(scope="module")
def clock(observed_until: int) -> list[int]:
    """Return what the service's clock shows; a test may move it."""
    return [observed_until]


@pytest.fixture(scope="module")
def caller(workspace: Workspace, clock: list[int]) -> Iterator[Caller]:
    with calling(workspace, lambda: clock[0]) as caller:
        yield caller


def value(caller: Caller, name: str) -> float | None:
    """Return a figure by its name and labels; None where it is not told."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", caller.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else None


def test_lag_is_the_age_of_the_oldest_event_that_waits_for_a_drain(
    caller: Caller, workspace: Workspace, clock: list[int]
) -> None:
    logged = workspace.log().n_events
    assert value(caller, "keepworth_undrained_age_seconds") == 0
    for number in range(2):
        said = {"specversion": "1.0", "id": f"lag-{number}", "source": "/tests", "subject": "lag"}
        said |= {"type": "keepworth.support", "time": datetime_of(clock[0]).isoformat()}
        assert caller.record(said)["accepted"] == 1
        clock[0] += HOUR
    assert value(caller, "keepworth_undrained_events") == 2
    assert value(caller, "keepworth_undrained_age_seconds") == 7200
    assert value(caller, "keepworth_log_events") == logged
    assert value(caller, "keepworth_drained_timestamp_seconds") is None
    with writing(workspace.state):
        drain(workspace.store, datetime_of(clock[0]))
    assert value(caller, "keepworth_undrained_events") == 0
    assert value(caller, "keepworth_undrained_age_seconds") == 0
    assert value(caller, "keepworth_log_events") == logged + 2
    assert value(caller, "keepworth_drained_timestamp_seconds") == clock[0] / 1e6


def test_the_model_is_told_by_age_and_by_what_it_knows(caller: Caller, observed_until: int) -> None:
    registered = 'keepworth_model_registered_timestamp_seconds{version="1"}'
    trained = 'keepworth_model_trained_until_timestamp_seconds{version="1"}'
    assert value(caller, registered) == 1767225600  # 2026-01-01
    assert value(caller, trained) == observed_until / 1e6


def test_customers_told_of_are_counted(caller: Caller, active_ids: list[str]) -> None:
    assert caller.post("/v1/score", json={"customer_ids": active_ids[:7]}).status_code == 200
    assert caller.get(f"/v1/customers/{active_ids[0]}").status_code == 200
    assert value(caller, 'keepworth_told_customers_total{route="/v1/score"}') == 7
    route = "/v1/customers/{customer_id}"
    assert value(caller, f'keepworth_told_customers_total{{route="{route}"}}') == 1


def test_erased_customers_are_counted(caller: Caller, active_ids: list[str]) -> None:
    before = value(caller, "keepworth_erased_customers")
    assert caller.request("DELETE", f"/v1/customers/{active_ids[3]}").status_code == 200
    assert before is not None
    assert value(caller, "keepworth_erased_customers") == before + 1


def test_a_version_that_cannot_be_loaded_is_told(operator_workspace: Workspace, tmp_path) -> None:
    workspace = copy_of(operator_workspace, tmp_path / "copy")
    with calling(workspace) as caller:
        assert caller.get("/readyz").json() == {"status": "ready", "degraded": False}
        add_version(workspace.store, ModelVersion("2", "0" * 64, "2026-02-01T00:00:00Z"))
        assert caller.get("/v1/model").json()["degraded"] is True
        assert caller.get("/readyz").json() == {"status": "ready", "degraded": True}
    with calling(operator_workspace) as caller:
        assert value(caller, "keepworth_live_store_up") == 1
        assert value(caller, "keepworth_degraded") == 0
        assert value(caller, 'keepworth_waiting{queue="events"}') == 0
