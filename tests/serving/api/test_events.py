"""Posting events: durable, once each, strict; a batch is answered event by event."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from features.instants import datetime_of, instant_of
from serving.api.cloud_events import BATCH, STRUCTURED
from serving.limits import DEFAULT_LIMITS
from serving.store.live_events import live_history
from serving.workspace import Workspace
from tests.serving.api.calls import Caller, Row, calling, copy_of, problem

_NUMBERS = count()


@pytest.fixture(scope="module")
def workspace(operator_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return copy_of(operator_workspace, tmp_path_factory.mktemp("posted") / "copy")


@pytest.fixture(scope="module")
def caller(workspace: Workspace) -> Iterator[Caller]:
    with calling(workspace) as caller:
        yield caller


def cloud_event(**said: Any) -> Row:
    """Return an event of a new id and a new customer, with some attributes replaced."""
    number = next(_NUMBERS)
    plain = {
        "specversion": "1.0",
        "id": f"event-{number}",
        "source": "/tests",
        "type": "keepworth.payment",
        "subject": f"posted-{number}",
        "time": "2024-05-01T10:00:00Z",
        "data": {"amount": 12.5, "label": "fee"},
    }
    return {name: value for name, value in (plain | said).items() if value is not None}


def post(caller: Caller, body: Any, content_type: str = STRUCTURED) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": content_type}
    return caller.request("POST", "/v1/events", content=content, headers=headers)


def recorded(workspace: Workspace, *customer_ids: str) -> list[Row]:
    return live_history(workspace.store, customer_ids).events.to_pylist()


def test_an_acknowledged_event_is_in_the_store_as_it_was_said(
    caller: Caller, workspace: Workspace
) -> None:
    event = cloud_event(
        type="keepworth.plan_change",
        data={
            "amount": 9.99, "list_amount": 12.0, "label": "S", "term_months": 12,
            "effective_at": "2024-06-01", "subscription_id": "a", "basket_id": "",
        },
    )  # fmt: skip
    answer = post(caller, event)
    assert answer.status_code == 200
    assert answer.json() == {
        "accepted": 1,
        "duplicate": 0,
        "conflict": 0,
        "rejected": 0,
        "erased": 0,
        "results": [{"id": event["id"], "status": "accepted"}],
        "triggers": [],
    }
    [row] = recorded(workspace, event["subject"])
    assert row["recorded_at"] - row["occurred_at"] > timedelta(days=300)
    assert {name: value for name, value in row.items() if not name.endswith("_at")} == {
        "event_id": event["id"],
        "customer_id": event["subject"],
        "kind": "plan_change",
        "subscription_id": "a",
        "amount": 9.99,
        "list_amount": 12.0,
        "label": "S",
        "term_months": 12,
        "basket_id": None,
    }
    assert row["occurred_at"].isoformat() == "2024-05-01T10:00:00+00:00"
    assert row["effective_at"].isoformat() == "2024-06-01T00:00:00+00:00"


def test_the_same_again_is_a_duplicate(caller: Caller, workspace: Workspace) -> None:
    event = cloud_event()
    assert post(caller, event).json()["accepted"] == 1
    again = post(caller, event)
    assert again.status_code == 200
    assert again.json()["results"] == [{"id": event["id"], "status": "duplicate"}]
    assert len(recorded(workspace, event["subject"])) == 1


def test_a_known_id_with_other_content_is_409_and_changes_nothing(
    caller: Caller, workspace: Workspace
) -> None:
    event = cloud_event()
    post(caller, event)
    details = problem(post(caller, event | {"data": {"amount": 99.0}}), 409)
    assert details["errors"][0]["value"] == event["id"]
    assert [row["amount"] for row in recorded(workspace, event["subject"])] == [12.5]


def test_an_event_of_the_log_is_known_by_its_id(
    caller: Caller, workspace: Workspace, active_ids: list[str]
) -> None:
    log = workspace.log()
    row = log.read_events(0).slice(0, 1).to_pylist()[0]
    data = {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
        if name not in ("event_id", "customer_id", "kind", "occurred_at", "recorded_at")
    }
    event = cloud_event(
        id=row["event_id"],
        subject=row["customer_id"],
        type=f"keepworth.{row['kind']}",
        time=row["occurred_at"].isoformat(),
        data=data,
    )
    assert post(caller, event).json()["duplicate"] == 1
    problem(post(caller, event | {"subject": "somebody-else"}), 409)
    assert recorded(workspace, row["customer_id"], "somebody-else") == []


def test_a_batch_is_answered_item_by_item(caller: Caller, workspace: Workspace) -> None:
    good, other = cloud_event(), cloud_event()
    wrong = cloud_event(type="keepworth.paymnt")
    batch = [good, wrong, good, good | {"data": {"amount": 1.0}}, 7, {"id": 5}, other]
    answer = post(caller, batch, BATCH)
    assert answer.status_code == 200
    said = answer.json()
    statuses = [result["status"] for result in said["results"]]
    assert statuses == [
        *("accepted", "rejected", "duplicate", "conflict", "rejected", "rejected", "accepted"),
    ]
    assert [said[name] for name in ("accepted", "duplicate", "conflict", "rejected")] == [
        2,
        1,
        1,
        3,
    ]
    fault = said["results"][1]
    assert fault["id"] == wrong["id"]
    assert fault["errors"][0]["key"] == "type"
    assert "did you mean payment?" in fault["errors"][0]["expected"]
    assert said["results"][5]["id"] is None
    assert len(recorded(workspace, good["subject"], other["subject"])) == 2


def test_an_empty_batch_is_no_mistake(caller: Caller) -> None:
    assert post(caller, [], BATCH).json()["results"] == []


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"id": ""}, "id"),
        ({"id": "x" * 501}, "id"),
        ({"id": "nul\0"}, "id"),
        ({"subject": None}, "subject"),
        ({"subject": "nul\0"}, "subject"),
        ({"source": ""}, "source"),
        ({"type": "com.example.payment"}, "type"),
        ({"type": "keepworth.unheard"}, "type"),
        ({"time": None}, "time"),
        ({"time": "2024-05-01T10:00:00"}, "time"),
        ({"time": "1800-01-01"}, "time"),
        ({"time": "2150-01-01"}, "time"),
        ({"time": 1714557600}, "time"),
        ({"datacontenttype": "text/xml"}, "datacontenttype"),
        ({"data_base64": "aGVsbG8="}, "data_base64"),
        ({"partitionkey": "7"}, "partitionkey"),
        ({"data": [1]}, "data"),
        ({"data": {}}, "data.amount"),
        ({"data": {"amount": "12.5"}}, "data.amount"),
        ({"data": {"amount": -1}}, "data.amount"),
        ({"data": {"amount": 1e13}}, "data.amount"),
        ({"type": "keepworth.usage", "data": {"amount": 1e13, "label": "bytes"}}, "data.amount"),
        ({"data": {"amount": True}}, "data.amount"),
        ({"data": {"amount": 1, "label": "nul\0"}}, "data.label"),
        ({"data": {"amount": 1, "recorded_at": "2024-01-01"}}, "data.recorded_at"),
        ({"data": {"amount": 1, "effective_at": "soon"}}, "data.effective_at"),
        ({"data": {"amount": 1, "term_months": 1.5}}, "data.term_months"),
        ({"data": {"amount": 1, "colour": "red"}}, "data.colour"),
        ({"type": "keepworth.cancel", "data": {"label": "bored"}}, "data.label"),
    ],
)
def test_what_is_no_event_of_the_contract_is_422_and_named(
    caller: Caller, workspace: Workspace, said: Row, key: str
) -> None:
    event = cloud_event(**said)
    details = problem(post(caller, event), 422)
    assert details["errors"][0]["key"] == key
    [result] = post(caller, [event], BATCH).json()["results"]
    assert (result["status"], result["errors"]) == ("rejected", details["errors"])
    if "subject" in event:
        assert recorded(workspace, event["subject"].replace("\0", "")) == []


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"\xff", b'{"id": NaN}', b"[" * 100_000, b'{"a":' * 100_000),
        b'{"specversion": "1.0", "data": {"amount": Infinity}}',
    ],
)
@pytest.mark.parametrize("content_type", [STRUCTURED, BATCH])
def test_what_is_no_json_is_400(caller: Caller, body: bytes, content_type: str) -> None:
    problem(post(caller, body, content_type), 400)


def test_an_amount_beyond_all_numbers_is_refused(caller: Caller) -> None:
    body = json.dumps(cloud_event()).replace("12.5", "1e999").encode()
    problem(post(caller, body), 422)


def test_deep_data_is_refused_with_its_neighbours_taken(caller: Caller) -> None:
    deep = json.dumps(cloud_event()).replace("12.5", "[" * 900 + "]" * 900)
    body = f"[{deep}, {json.dumps(cloud_event())}]".encode()
    statuses = [item["status"] for item in post(caller, body, BATCH).json()["results"]]
    assert statuses == ["rejected", "accepted"]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/xml"])
def test_another_content_type_is_415_and_names_both(caller: Caller, content_type: str) -> None:
    details = problem(post(caller, cloud_event(), content_type), 415)
    assert STRUCTURED in details["detail"]
    assert BATCH in details["detail"]


def test_a_list_is_no_event_and_an_event_no_batch(caller: Caller) -> None:
    problem(post(caller, [cloud_event()]), 422)
    problem(post(caller, cloud_event(), BATCH), 422)


def test_too_many_events_and_too_many_bytes_are_refused(caller: Caller) -> None:
    many = b"[" + b",".join([b"1"] * (DEFAULT_LIMITS.batch_events + 1)) + b"]"
    assert f"{DEFAULT_LIMITS.batch_events:,}" in problem(post(caller, many, BATCH), 422)["detail"]
    problem(post(caller, b" " * (DEFAULT_LIMITS.body_bytes + 1), BATCH), 413)


def test_the_largest_batch_is_taken(caller: Caller) -> None:
    batch = [cloud_event() for _ in range(DEFAULT_LIMITS.batch_events)]
    assert post(caller, batch, BATCH).json()["accepted"] == DEFAULT_LIMITS.batch_events


def test_twenty_callers_of_the_same_have_one_effect(caller: Caller, workspace: Workspace) -> None:
    event = cloud_event()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: post(caller, event).json(), range(20)))
    statuses = sorted(answer["results"][0]["status"] for answer in answers)
    assert statuses == ["accepted"] + ["duplicate"] * 19
    assert len(recorded(workspace, event["subject"])) == 1


def test_a_clock_a_little_ahead_is_borne(caller: Caller, workspace: Workspace) -> None:
    event = cloud_event()
    post(caller, event)
    now = instant_of(recorded(workspace, event["subject"])[0]["recorded_at"])
    ahead = datetime_of(now + (DEFAULT_LIMITS.ahead_seconds - 60) * 1_000_000).isoformat()
    too_far = datetime_of(now + (DEFAULT_LIMITS.ahead_seconds + 60) * 1_000_000).isoformat()
    assert post(caller, cloud_event(time=ahead)).status_code == 200
    problem(post(caller, cloud_event(time=too_far)), 422)


def test_metrics_count_what_became_of_events(caller: Caller) -> None:
    post(caller, [cloud_event(), 1], BATCH)
    exposition = caller.get("/metrics").text
    assert 'keepworth_posted_events_total{outcome="accepted"}' in exposition
    assert 'keepworth_posted_events_total{outcome="rejected"}' in exposition
