"""Limits that `[service]` sets hold, and the service names them."""

import json
from collections.abc import Iterator

import pytest

from serving.api.cloud_events import BATCH
from serving.workspace import Workspace
from tests.serving.api.calls import (
    DAY,
    SUBSCRIBED,
    Caller,
    calling,
    copy_of,
    happened,
    one_customer,
    problem,
)

SERVICE = """
[service]
body_bytes = 20_000
events = 3
explained_customers = 1
batch_events = 2
ahead_seconds = 0
"""


@pytest.fixture(scope="module")
def caller(
    operator_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory, observed_until: int
) -> Iterator[Caller]:
    workspace = copy_of(operator_workspace, tmp_path_factory.mktemp("limited") / "copy", SERVICE)
    with calling(workspace, lambda: observed_until) as caller:
        yield caller


def test_a_larger_body_is_refused(caller: Caller) -> None:
    details = problem(caller.send("/v1/score", b" " * 20_001), 413)
    assert "20,000 bytes" in details["detail"]


def test_more_inline_events_are_refused(caller: Caller) -> None:
    [error] = problem(caller.post("/v1/score", json=one_customer(*[SUBSCRIBED] * 3)), 422)["errors"]
    assert (error["value"], "at most 3 " in error["expected"]) == ("4", True)


def test_more_explained_customers_are_refused(caller: Caller, active_ids: list[str]) -> None:
    asked = {"customer_ids": active_ids[:2]}
    assert caller.post("/v1/score", json=asked).status_code == 200
    [error] = problem(caller.post("/v1/score", json=asked | {"explain": True}), 422)["errors"]
    assert "at most 1 with explain" in error["expected"]


def test_more_posted_events_are_refused(caller: Caller, observed_until: int) -> None:
    events = [happened("limited", "support", observed_until - DAY) for _ in range(3)]
    content = json.dumps(events).encode()
    answer = caller.post("/v1/events", content=content, headers={"content-type": BATCH})
    [error] = problem(answer, 422)["errors"]
    assert (error["value"], "at most 2 " in error["expected"]) == ("3 events", True)
    assert caller.record(*events[:2])["accepted"] == 2


def test_a_clock_may_be_ahead_by_so_much_and_no_more(caller: Caller, observed_until: int) -> None:
    [result] = caller.record(happened("limited", "support", observed_until + 1_000_000))["results"]
    assert [error["key"] for error in result["errors"]] == ["time"]


def test_documents_name_what_holds(caller: Caller) -> None:
    document = caller.get("/openapi.json").json()
    assert "20,000 bytes" in document["info"]["description"]
    batch = document["paths"]["/v1/events"]["post"]["requestBody"]["content"][BATCH]["schema"]
    assert batch["maxItems"] == 2
    assert "<td>20,000 bytes</td>" in caller.get("/docs").text
