"""The feed of triggers, and campaigns as the service tells of them."""

import json
from datetime import UTC, datetime

import pytest

from serving.campaigns.triggers import Trigger
from serving.delivery.trigger_events import event_of
from serving.store.keys import make_key, revoke_key
from serving.workspace import Workspace
from tests.serving.api.calls import Caller, calling, problem
from tests.serving.api.test_deliveries import (  # noqa: F401 -- fixtures
    MakeWorkspace,
    make_workspace,
    now,
    triggers,
)


@pytest.fixture(scope="module")
def workspace(make_workspace: MakeWorkspace, triggers: list[Trigger]) -> Workspace:  # noqa: F811
    return make_workspace(daily_budget=500.0)


@pytest.fixture(scope="module")
def caller(workspace: Workspace):
    with calling(workspace) as caller:
        yield caller


def test_the_feed_gives_every_trigger_once_page_by_page(
    caller: Caller,
    triggers: list[Trigger],  # noqa: F811
) -> None:
    told, after = [], 0
    while True:
        page = caller.get(f"/v1/triggers?after={after}&limit=7").json()
        told += page["triggers"]
        after = page["next_after"]
        if not page["has_more"]:
            break
    assert [each["data"]["number"] for each in told] == [each.number for each in triggers]
    assert [each["id"] for each in told] == [event_of(each).id for each in triggers]
    assert caller.get(f"/v1/triggers?after={after}").json() == {
        "triggers": [],
        "next_after": after,
        "has_more": False,
    }


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("after=-1", "after"),
        ("after=1.5", "after"),
        ("after=1e3", "after"),
        ("after=", "after"),
        ("after=9007199254740993", "after"),
        ("after=1&after=2", "after"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=%D9%A3", "limit"),
        ("before=1", "before"),
    ],
)
def test_a_query_that_is_not_as_expected_is_refused(caller: Caller, query: str, key: str) -> None:
    details = problem(caller.get(f"/v1/triggers?{query}"), 422)
    assert {each["key"] for each in details["errors"]} == {key}


def test_campaigns_are_told_with_budgets_and_control_groups(
    caller: Caller,
    triggers: list[Trigger],  # noqa: F811
) -> None:
    told = caller.get("/v1/campaigns").json()
    [campaign] = told["campaigns"]
    assert told["global_control"]["control_share"] == 0.0
    assert not told["global_control"]["sample_ratio_mismatch"]
    assert campaign["campaign"] == "stay"
    assert campaign["contacts"] == len(triggers)
    assert campaign["daily_budget"] == 500.0
    assert campaign["assigned"] == campaign["contacts"] + campaign["in_control"]
    assert not campaign["sample_ratio_mismatch"]


def test_one_campaign_is_told_with_its_rules_and_what_was_measured(
    caller: Caller, workspace: Workspace
) -> None:
    before = caller.get("/v1/campaigns/stay").json()
    assert before["rules"]["audience"] == "churn_3m > 0.1"
    assert before["measured"] is None
    assert before["warnings"] == ["measured is null: run `keepworth campaigns report stay`"]
    file = workspace.folder / "reports" / "campaigns" / "stay.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"status": "too early"}), "utf-8")
    after = caller.get("/v1/campaigns/stay").json()
    assert (after["measured"], after["warnings"]) == ({"status": "too early"}, [])
    file.write_text("{", "utf-8")
    broken = caller.get("/v1/campaigns/stay").json()
    assert broken["measured"] is None
    assert "cannot be read" in broken["warnings"][0]


@pytest.mark.parametrize("name", ["win-back", "../stay", "", "stay/rules"])
def test_a_campaign_that_is_not_there_is_a_problem(caller: Caller, name: str) -> None:
    details = problem(caller.get(f"/v1/campaigns/{name}"), 404)
    assert details["type"] in {"/docs#unknown-campaign", "/docs#unknown-route"}


def test_the_feed_wants_the_scope_of_campaigns(workspace: Workspace) -> None:
    moment = datetime.now(UTC)
    tokens = {}
    keys = []
    for scope in ("score", "campaigns"):
        key, tokens[scope] = make_key(workspace.store, scope, [scope], moment)
        keys.append(key)
    with calling(workspace) as caller:
        for path in ("/v1/triggers", "/v1/campaigns", "/v1/campaigns/stay"):
            for scope, status in (("score", 403), ("campaigns", 200)):
                headers = {"authorization": f"Bearer {tokens[scope]}"}
                assert caller.request("GET", path, headers=headers).status_code == status
    for key in keys:
        revoke_key(workspace.store, key.key_id, moment)
