"""From triggers to messages: each once, to whom it concerns, in the order of their numbers."""

import json

import pytest
from sqlalchemy import insert, update

from serving.delivery.announcing import OLDEST_DAYS, announce_triggers
from serving.delivery.webhooks import Webhook
from serving.store.database import LiveStore
from serving.store.outbox import list_letters
from serving.store.tables import campaign_decision, campaign_trigger, trigger_count
from tests.serving.store.conftest import OpenStore

NOW = 1_772_323_200_000_000
HOUR = 3_600_000_000
GROUNDS = {"scores": {"churn_3m": 0.4, "status": "active"}, "options": [], "notes": []}


def trigger(store: LiveStore, number: int, campaign: str, not_before: int = NOW) -> None:
    decision = {
        "decision_id": f"d{number}",
        "occasion": "night 2026-03-01",
        "decided_at": NOW,
        "as_of": NOW - HOUR,
        "customer_id": f"c{number}",
        "campaign": campaign,
        "outcome": "contact",
        "reason": "brings most",
        "expected_profit": 12.5,
        "draw": 0.7,
        "reserved": 1050,
        "model_version": "3",
        "grounds": json.dumps(GROUNDS),
    }
    told = {name: decision[name] for name in ("decision_id", "campaign", "customer_id")}
    row = {"number": number, "made_at": NOW, "not_before": not_before} | told
    with store.writing() as connection:
        connection.execute(insert(campaign_decision).values(decision))
        connection.execute(insert(campaign_trigger).values(row))
        connection.execute(update(trigger_count).values(latest_number=number))


def webhook(name: str, campaigns: list[str] | None = None) -> Webhook:
    url = "https://crm.example.com/hooks"
    return Webhook(name=name, url=url, secret_variables=["S"], campaigns=campaigns)


def told(store: LiveStore) -> list[tuple[str, str]]:
    letters = list_letters(store, ["waiting"], 100)
    return sorted((each.receiver, each.message_id) for each in letters)


def test_every_receiver_hears_of_its_campaigns_and_of_each_trigger_once(store: LiveStore) -> None:
    trigger(store, 1, "stay")
    trigger(store, 2, "win-back")
    receivers = [webhook("all"), webhook("crm", ["stay"])]
    assert announce_triggers(store, receivers, NOW) == 2
    assert announce_triggers(store, receivers, NOW) == 0
    expected = [("all", "msg_d1"), ("all", "msg_d2"), ("crm", "msg_d1")]
    assert told(store) == expected
    trigger(store, 3, "stay")
    assert announce_triggers(store, receivers, NOW) == 1
    assert told(store) == sorted([*expected, ("all", "msg_d3"), ("crm", "msg_d3")])


def test_two_who_announce_at_once_announce_each_trigger_once(open_store: OpenStore) -> None:
    first, second = open_store(), open_store()
    for number in range(1, 6):
        trigger(first, number, "stay")
    counts = [announce_triggers(store, [webhook("crm")], NOW) for store in (first, second)]
    assert counts == [5, 0]
    assert len(told(second)) == 5


def test_a_message_waits_for_the_end_of_quiet_hours(store: LiveStore) -> None:
    trigger(store, 1, "stay", not_before=NOW + 9 * HOUR)
    announce_triggers(store, [webhook("crm")], NOW)
    [letter] = list_letters(store, ["waiting"], 10)
    assert letter.due_at == NOW + 9 * HOUR


def test_a_receiver_that_comes_late_is_not_told_old_stories(store: LiveStore) -> None:
    trigger(store, 1, "stay")
    later = NOW + (24 * OLDEST_DAYS + 1) * HOUR
    assert announce_triggers(store, [webhook("crm")], later) == 1
    assert told(store) == []


def test_the_body_is_a_cloud_event_with_what_was_decided_and_why(store: LiveStore) -> None:
    trigger(store, 1, "stay")
    announce_triggers(store, [webhook("crm")], NOW)
    with store.reading() as connection:
        body = connection.exec_driver_sql("SELECT body FROM outbox").scalar_one()
    assert json.loads(body) == {
        "specversion": "1.0",
        "id": "msg_d1",
        "source": "keepworth/campaigns/stay",
        "type": "keepworth.trigger",
        "subject": "c1",
        "time": "2026-03-01T00:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "number": 1,
            "campaign": "stay",
            "customer_id": "c1",
            "not_before": "2026-03-01T00:00:00Z",
            "expected_profit": pytest.approx(12.5),
            "reason": "brings most",
            "as_of": "2026-02-28T23:00:00Z",
            "model_version": "3",
            "grounds": GROUNDS,
        },
    }
