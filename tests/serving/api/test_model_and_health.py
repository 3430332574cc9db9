"""GET /v1/model, health, metrics and the pages."""

import json
import os
import re
import shutil
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from serving.api.application import create_application
from serving.api.current import Current
from serving.store.serving_version import ModelVersion, add_version, find_version, load_version
from serving.workspace import Workspace
from tests.serving.api.calls import Caller, answered, calling, copy_of, one_customer, problem


@pytest.fixture
def own_workspace(operator_workspace: Workspace, tmp_path: Path) -> Workspace:
    """Return a copy that a test may change."""
    return copy_of(operator_workspace, tmp_path / "copy")


def test_the_model_is_described(client: Caller, operator_workspace: Workspace) -> None:
    model = client.get("/v1/model").json()
    bundle = load_version(operator_workspace.store)
    assert model["version"] == "1"
    assert (model["contract"], model["currency"]) == ("subscription", "EUR")
    assert model["trained_until"] == "2024-01-01T00:00:00Z"
    assert model["observed_from"] == "2022-01-01T00:00:00Z"
    assert model["n_signals"] == len(bundle.model.signals)
    assert model["data_fingerprint"] == operator_workspace.log().fingerprint
    assert (model["degraded"], model["backtest"]) == (False, None)
    assert model["warnings"][0].startswith("backtest is null")


def test_the_newest_backtest_is_shown(own_workspace: Workspace) -> None:
    for age, name in enumerate(("new", "old")):
        folder = own_workspace.folder / "backtests" / name
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps({"named": name}))
        stamp = 2_000_000_000 - age
        os.utime(folder / "metrics.json", (stamp, stamp))
    with calling(own_workspace) as client:
        assert client.get("/v1/model").json()["backtest"] == {"named": "new"}


def test_a_damaged_backtest_is_null_and_said(own_workspace: Workspace) -> None:
    folder = own_workspace.folder / "backtests" / "broken"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text("{")
    with calling(own_workspace) as client:
        model = client.get("/v1/model").json()
    assert model["backtest"] is None
    assert "cannot be read" in model["warnings"][0]


def test_a_change_of_version_shows_in_the_next_answer(own_workspace: Workspace) -> None:
    with calling(own_workspace) as client:
        assert client.get("/v1/model").json()["version"] == "1"
        _register_again(own_workspace, "2")
        assert answered(client, "/v1/score", one_customer())["model_version"] == "2"


def test_an_altered_version_leaves_the_last_good_one_serving_degraded(
    own_workspace: Workspace,
) -> None:
    with calling(own_workspace) as client:
        _register_again(own_workspace, "2")
        bundle = own_workspace.models / "2" / "bundle.json"
        bundle.write_bytes(bundle.read_bytes().replace(b'"cutoff"', b'"cutofF"'))
        model = client.get("/v1/model").json()
        assert (model["version"], model["degraded"]) == ("1", True)
        assert answered(client, "/v1/score", one_customer())["model_version"] == "1"


def test_events_ingested_later_are_seen(own_workspace: Workspace, active_ids: list[str]) -> None:
    with calling(own_workspace) as client:
        known = {"customer_ids": active_ids[:1]}
        before = answered(client, "/v1/score", known)
        manifest = own_workspace.state / "log" / "manifest.json"
        aside = manifest.with_suffix(".aside")
        manifest.rename(aside)
        problem(client.post("/v1/score", json=known), 404)
        aside.rename(manifest)
        assert answered(client, "/v1/score", known) == before


def test_our_fault_is_500_and_shows_nothing_of_the_inside(
    own_workspace: Workspace, active_ids: list[str]
) -> None:
    with calling(own_workspace) as client:
        for file in own_workspace.log().files("events"):
            file.unlink()
        answer = client.post("/v1/score", json={"customer_ids": active_ids[:1]})
        details = problem(answer, 500)
        assert "errors" not in details
        assert str(own_workspace.folder) not in answer.text
        assert client.get("/livez").status_code == 200


def test_a_live_store_that_fails_is_503_and_the_service_goes_on_when_it_is_back(
    own_workspace: Workspace, active_ids: list[str]
) -> None:
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/tests",
        "type": "keepworth.support",
        "subject": "c",
        "time": "2023-06-01",
    }
    headers = {"content-type": "application/cloudevents+json"}
    content = json.dumps(event).encode()
    asked = {"customer_ids": active_ids[:1]}
    with calling(own_workspace) as client:
        before = answered(client, "/v1/score", asked)
        _rename(own_workspace, "live_event", "aside")
        for answer in (
            client.post("/v1/score", json=asked),
            client.request("POST", "/v1/events", content=content, headers=headers),
        ):
            details = problem(answer, 503)
            assert details["type"] == "/docs#store-away"
            assert int(answer.headers["retry-after"]) > 0
            assert "SELECT" not in answer.text
        _rename(own_workspace, "aside", "live_event")
        assert answered(client, "/v1/score", asked) == before
        answer = client.request("POST", "/v1/events", content=content, headers=headers)
        assert answer.json()["accepted"] == 1


def _rename(workspace: Workspace, table: str, name: str) -> None:
    with workspace.store.writing() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")


def test_before_the_model_is_loaded_the_answer_is_503(operator_workspace: Workspace) -> None:
    application = create_application(lambda: Current(operator_workspace))
    transport = httpx.ASGITransport(application)
    client = httpx.AsyncClient(transport=transport, base_url="http://localhost")
    with start_blocking_portal() as portal:
        answer = portal.call(client.get, "/readyz")
        problem(answer, 503)
        assert int(answer.headers["retry-after"]) > 0
        assert portal.call(client.get, "/livez").json() == {"status": "alive"}


def test_a_service_that_is_up_is_ready(client: Caller) -> None:
    assert client.get("/readyz").json() == {"status": "ready", "degraded": False}


def test_metrics_count_by_route_and_not_by_what_callers_make_up(client: Caller) -> None:
    for number in range(3):
        client.get(f"/made-up-{number}")
    exposition = client.get("/metrics").text
    assert re.search(r'requests_total{method="GET",route="other",status="404"} [3-9]', exposition)
    assert "made-up" not in exposition


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_ask_nothing_of_the_outside(client: Caller, path: str) -> None:
    page = client.get(path)
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    linked = re.findall(r'(?:href|src|action)="([^"]*)"', page.text)
    assert linked
    assert all(link.startswith(("/", "#", "data:,")) for link in linked)
    assert "<script" not in page.text
    assert "url(" not in page.text


def test_the_first_calls_of_the_start_page_work_as_they_are(client: Caller) -> None:
    page = client.get("/").text.replace("&#39;", "'").replace("&#34;", '"')
    calls = re.findall(r"curl http://localhost(\S+) .*? -d '(.*?)'</pre>", page, re.DOTALL)
    assert [path for path, _ in calls] == ["/v1/score", "/v1/what-if"]
    for path, body in calls:
        assert answered(client, path, json.loads(body))


def test_every_kind_of_problem_is_explained_where_its_type_points(client: Caller) -> None:
    docs = client.get("/docs").text
    details = problem(client.get("/nowhere"), 404)
    anchor = details["type"].removeprefix("/docs#")
    assert f'id="{anchor}"' in docs


def _register_again(workspace: Workspace, version: str) -> None:
    """Let a copy of version 1 serve under another name."""
    shutil.copytree(workspace.models / "1", workspace.models / version)
    digest = find_version(workspace.store, "1").digest
    add_version(workspace.store, ModelVersion(version, digest, "2026-01-02T00:00:00Z"))
