"""DELETE /v1/customers/{customer_id}: gone from every answer at once, and kept out."""

from collections.abc import Iterator

import pytest

from features.ingest.lock import writing
from features.ingest.run import ingest
from serving.workspace import Workspace
from tests.serving.api.calls import Caller, Row, answered, calling, copy_of, problem


@pytest.fixture(scope="module")
def workspace(operator_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return copy_of(operator_workspace, tmp_path_factory.mktemp("erased") / "copy")


@pytest.fixture(scope="module")
def caller(workspace: Workspace) -> Iterator[Caller]:
    with calling(workspace) as caller:
        yield caller


def payment(number: int, customer_id: str) -> Row:
    return {
        "specversion": "1.0",
        "id": f"erasure-{number}",
        "source": "/tests",
        "type": "keepworth.payment",
        "subject": customer_id,
        "time": "2024-05-01T10:00:00Z",
        "data": {"amount": 12.5},
    }


def erase(caller: Caller, customer_id: str) -> Row:
    answer = caller.request("DELETE", f"/v1/customers/{customer_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_erased_customer_is_gone_from_the_next_answer(
    caller: Caller, workspace: Workspace, active_ids: list[str]
) -> None:
    gone, other = active_ids[:2]
    caller.record(payment(1, gone))
    before = answered(caller, "/v1/score", {"customer_ids": [other]})

    receipt = erase(caller, gone)

    assert receipt["events"] > 0
    assert (receipt["posted_events"], receipt["profiles"]) == (1, 1)
    assert receipt["models"] == ["1"]
    assert gone not in str(receipt)
    missing = problem(caller.post("/v1/score", json={"customer_ids": [gone]}), 404)
    assert missing["type"] == "/docs#unknown-customers"
    assert answered(caller, "/v1/score", {"customer_ids": [other]}) == before
    again = erase(caller, gone)
    assert (again["events"], again["posted_events"], again["subject"]) == (0, 0, receipt["subject"])
    settings = workspace.configuration
    report = ingest(
        workspace.folder, workspace.state, settings.sources, settings.business, settings.ingest
    )
    assert (report.new, report.erased) == (0, receipt["events"])


def test_what_is_posted_of_an_erased_customer_is_refused(
    caller: Caller, active_ids: list[str]
) -> None:
    gone = active_ids[2]
    erase(caller, gone)

    refused = problem(caller.post("/v1/events", json=payment(2, gone)), 415)
    headers = {"content-type": "application/cloudevents+json"}
    refused = problem(caller.post("/v1/events", json=payment(2, gone), headers=headers), 410)
    assert refused["type"] == "/docs#erased"
    answer = caller.record(payment(3, gone), payment(4, active_ids[3]))
    assert [result["status"] for result in answer["results"]] == ["erased", "accepted"]
    assert (answer["erased"], answer["accepted"]) == (1, 1)


def test_ids_may_hold_what_a_path_does_not(caller: Caller) -> None:
    caller.record(payment(5, "a/b c%d?"))

    assert erase(caller, "a%2Fb%20c%25d%3F")["posted_events"] == 1


def test_whoever_only_others_name_is_erased_as_well(caller: Caller, active_ids: list[str]) -> None:
    joined = payment(6, active_ids[5]) | {
        "type": "keepworth.referral_joined",
        "data": {"label": "only-named"},
    }
    caller.record(joined)

    receipt = erase(caller, "only-named")

    assert (receipt["events"], receipt["posted_events"], receipt["profiles"]) == (0, 0, 0)
    answer = caller.record(joined | {"id": "erasure-7"}, payment(8, "only-named"))
    assert [result["status"] for result in answer["results"]] == ["accepted", "erased"]
    assert problem(caller.get("/v1/customers/only-named"), 410)["type"] == "/docs#erased"


def test_while_another_process_writes_erasure_waits(
    caller: Caller, workspace: Workspace, active_ids: list[str]
) -> None:
    with writing(workspace.state):
        answer = caller.request("DELETE", f"/v1/customers/{active_ids[4]}")
    busy = problem(answer, 503)
    assert busy["type"] == "/docs#workspace-busy"
    assert int(answer.headers["retry-after"]) > 0
    assert answered(caller, "/v1/score", {"customer_ids": [active_ids[4]]})["scores"]
