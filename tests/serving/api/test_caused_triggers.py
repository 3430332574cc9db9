"""An event that a campaign waits for is judged in the request that brings it, once for all."""

from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc
import pytest
from sqlalchemy import select

from serving.campaigns.verdicts import CAPPED
from serving.store.audit import find_entries
from serving.store.serving_version import load_version
from serving.store.tables import campaign_decision, live_event
from tests.serving.api.calls import calling
from tests.serving.campaigns.written import CARE, with_campaigns
from training.uplift.effect_model import EffectModel
from training.uplift.response_files import Origin, save_response
from training.uplift.responses import CampaignResponse

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def clock():
    return int(NOON.timestamp() * 1e6)


def support(number, customer_id, kind="support"):
    return {
        "specversion": "1.0",
        "id": f"desk-{number}",
        "source": "/desk",
        "type": f"keepworth.{kind}",
        "subject": customer_id,
        "time": (NOON - timedelta(minutes=number)).isoformat(),
        "data": {"label": "normal"},
    }


@pytest.fixture(scope="module")
def consenting(operator_workspace, active_ids):
    """Return customers who are there and agreed to be written to, and some who did not."""
    people = operator_workspace.log().read_customers(active_ids)
    agreed = people.filter(pc.fill_null(people.column("consent"), False))
    yes = set(agreed.column("customer_id").to_pylist())
    return sorted(yes)[:40], sorted(set(active_ids) - yes)[:5]


@pytest.fixture
def workspace(operator_workspace, tmp_path):
    return with_campaigns(operator_workspace, tmp_path / "care", CARE)


def rows_of(workspace, table):
    with workspace.store.reading() as connection:
        return [row._mapping for row in connection.execute(select(table))]


def test_an_event_returns_the_trigger_it_caused_and_the_same_again(workspace, consenting):
    customer_id = consenting[0][0]
    with calling(workspace, clock) as caller:
        first = caller.record(support(1, customer_id))
        again = caller.record(support(1, customer_id))
    [trigger] = first["triggers"]
    assert (trigger["campaign"], trigger["customer_id"]) == ("care", customer_id)
    assert (trigger["number"], trigger["offer"]) == (1, "a call back")
    assert trigger["made_at"] == trigger["not_before"] == "2026-03-10T12:00:00Z"
    assert trigger["expected_profit"] > 0
    assert again["duplicate"] == 1
    assert again["triggers"] == first["triggers"]
    [decision] = rows_of(workspace, campaign_decision)
    assert decision["occasion"] == "event desk-1"
    assert decision["decision_id"] == trigger["decision_id"]
    told = [each for each in find_entries(workspace.store, 9) if each.what == "POST /v1/events"]
    assert [each.customers for each in told] == [1, 1]


def test_a_contact_that_another_system_posted_counts_against_the_cap(
    operator_workspace, tmp_path, consenting
):
    capped = "[contacts]\nmost_contacts = 1\nwithin_days = 30.0\n"
    workspace = with_campaigns(operator_workspace, tmp_path / "capped", capped, CARE)
    called, other = consenting[0][:2]
    contact = support(1, called, "contact") | {"data": {"label": "call-centre", "amount": 2.0}}
    with calling(workspace, clock) as caller:
        caller.record(contact)
        told = caller.record(support(2, called), support(3, other))
    assert [each["customer_id"] for each in told["triggers"]] == [other]
    reasons = {row["customer_id"]: row["reason"] for row in rows_of(workspace, campaign_decision)}
    assert reasons[called] == CAPPED


def test_what_was_learned_meanwhile_counts_from_the_next_event_on(workspace, consenting):
    """Learned: nobody is moved, so that nothing is won. What cannot be read changes nothing."""
    names = [signal.name for signal in load_version(workspace.store).model.signals]
    nobody_moved = CampaignResponse("learned", None, EffectModel())
    path = workspace.response_file("care")
    with calling(workspace, clock) as caller:
        before = caller.record(support(1, consenting[0][0]))["triggers"]
        save_response(nobody_moved, names, Origin("treated", 3), path)
        after = caller.record(support(2, consenting[0][1]))["triggers"]
        path.write_text("{")
        damaged = caller.record(support(3, consenting[0][2]))["triggers"]
    assert (len(before), after, damaged) == (1, [], [])


def test_the_event_itself_is_known_when_it_is_judged(workspace, consenting):
    """The audience asks for a request of the last 90 days: the event is the only one there is."""
    customer_id = consenting[0][1]
    with calling(workspace, clock) as caller:
        assert len(caller.record(support(1, customer_id))["triggers"]) == 1


def test_the_arm_is_on_record_as_an_event_that_the_next_drain_takes(workspace, consenting):
    with calling(workspace, clock) as caller:
        caller.record(support(1, consenting[0][0]))
    events = rows_of(workspace, live_event)
    labels = {row["kind"]: row["label"] for row in events}
    assert labels == {"support": "normal", "assignment": "care/treated"}


def test_a_batch_is_judged_at_once_and_each_customer_once(workspace, consenting):
    some = consenting[0][:10]
    events = [support(number, one) for number, one in enumerate([*some, *some])]
    with calling(workspace, clock) as caller:
        told = caller.record(*events, support(99, some[0], "review"))
    assert told["accepted"] == 21
    assert {each["customer_id"] for each in told["triggers"]} == set(some)
    assert [each["number"] for each in told["triggers"]] == list(range(1, 11))


def test_events_of_two_kinds_each_ask_the_campaigns_that_wait_for_them(
    operator_workspace, tmp_path, consenting
):
    """Whatever their order in the batch; each decision is of its own event."""
    pay = CARE.replace('"care"', '"pay"').replace('["support"]', '["payment_failed"]')
    pay = pay.replace(" AND support_90d >= 1", "")
    workspace = with_campaigns(operator_workspace, tmp_path / "both", CARE, pay)
    one, other = consenting[0][:2]
    events = [
        *(support(4, one), support(1, one, "payment_failed")),
        *(support(2, other, "payment_failed"), support(3, other), support(5, other)),
    ]
    with calling(workspace, clock) as caller:
        told = caller.record(*events)
        again = caller.record(*events)
    assert [(each["campaign"], each["customer_id"]) for each in told["triggers"]] == [
        *(("care", customer_id) for customer_id in sorted([one, other])),
        *(("pay", customer_id) for customer_id in sorted([one, other])),
    ]
    assert again["triggers"] == told["triggers"]
    occasions = {row["occasion"] for row in rows_of(workspace, campaign_decision)}
    assert occasions == {"event desk-4", "event desk-1", "event desk-2", "event desk-3"}


def test_a_second_event_finds_the_customer_contacted_already(workspace, consenting):
    customer_id = consenting[0][0]
    with calling(workspace, clock) as caller:
        caller.record(support(1, customer_id))
        assert caller.record(support(2, customer_id))["triggers"] == []
    reasons = [row["reason"] for row in rows_of(workspace, campaign_decision)]
    assert reasons == ["brings most", "contacted by this campaign too lately"]


def test_events_that_nobody_waits_for_and_strangers_cause_nothing(workspace, consenting):
    with calling(workspace, clock) as caller:
        told = caller.record(support(1, consenting[0][0], "review"), support(2, "a stranger"))
    assert (told["accepted"], told["triggers"]) == (2, [])
    assert rows_of(workspace, campaign_decision) == []


def test_without_consent_there_is_a_decision_and_no_trigger(workspace, consenting):
    with calling(workspace, clock) as caller:
        assert caller.record(support(1, consenting[1][0]))["triggers"] == []
    assert [row["reason"] for row in rows_of(workspace, campaign_decision)] == ["no consent"]


def test_events_are_recorded_even_where_a_campaign_cannot_be_judged(workspace, consenting):
    event = support(1, consenting[0][0])
    with calling(workspace, clock) as caller:
        rename(workspace, "campaign_decision", "aside")
        told = caller.record(event)
        rename(workspace, "aside", "campaign_decision")
        again = caller.record(event)
    assert (told["accepted"], told["triggers"]) == (1, None)
    assert (again["duplicate"], len(again["triggers"])) == (1, 1)


def rename(workspace, table, name):
    with workspace.store.writing() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")
