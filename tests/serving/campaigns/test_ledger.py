"""What is decided is written once, whole and in turn; on SQLite and on PostgreSQL."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import time
from types import SimpleNamespace

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from features.ingest.lock import writing
from features.instants import datetime_of, instant_of
from serving.campaigns.campaign import GLOBAL
from serving.campaigns.ledger import settle
from serving.campaigns.overview import _CONTACTS, global_control, standing_of_campaigns
from serving.campaigns.triggers import triggers_after
from serving.store.audit import COMMAND_LINE
from serving.store.database import LiveStore
from serving.store.erasing import erase_customers
from serving.store.tables import (
    campaign_assignment,
    campaign_budget,
    campaign_decision,
    campaign_trigger,
    live_event,
    live_state,
)
from tests.serving.campaigns.made_up import (
    DAY,
    NOON,
    NobodyErased,
    book,
    campaign,
    candidate,
    option,
)

NIGHT = "night 2026-03-10"


def settled(store, candidates, rulebook=None, occasion=NIGHT, now=NOON, *, log=NobodyErased):
    asked = [replace(each, occasion=occasion) for each in candidates]
    by_id = {each.decision_id: each for each in asked}
    return settle(store, log, by_id, rulebook or book(), now)


def many(count, first=0):
    return [candidate(f"C{number}") for number in range(first, first + count)]


def rows_of(store, table):
    with store.reading() as connection:
        return [row._mapping for row in connection.execute(select(table))]


def test_a_decision_is_kept_with_its_grounds_and_random_draw(store):
    settled(store, [candidate("C1", option(7.5), notes=("said so",))])
    [kept] = rows_of(store, campaign_decision)
    assert (kept["campaign"], kept["outcome"], kept["reason"]) == ("stay", "contact", "brings most")
    assert (kept["expected_profit"], kept["reserved"], kept["model_version"]) == (7.5, 1000, "1")
    assert 0 <= kept["draw"] < 1
    grounds = json.loads(kept["grounds"])
    assert grounds["scores"] == {"churn_3m": 0.2, "clv": 300.0}
    assert grounds["options"][0]["verdict"] == "chosen"
    assert grounds["notes"] == ["said so"]


def test_nothing_is_a_decision_too_and_a_number_that_is_none_is_null(store):
    settled(store, [candidate("C1", option(-1.0, break_even_offer_cost=float("nan")))])
    [kept] = rows_of(store, campaign_decision)
    assert (kept["outcome"], kept["campaign"], kept["draw"]) == ("nothing", None, None)
    assert json.loads(kept["grounds"])["options"][0]["break_even_offer_cost"] is None
    assert rows_of(store, campaign_assignment) == rows_of(store, campaign_trigger) == []


def test_the_same_night_again_changes_nothing(store):
    rulebook = book(campaign(control_share=0.3, daily_budget=200.0))
    first = settled(store, many(60), rulebook)
    tables = (campaign_decision, campaign_assignment, campaign_budget, campaign_trigger, live_event)
    before = [rows_of(store, table) for table in tables]
    again = settled(store, many(60), rulebook)
    assert (len(first.decisions), again.decisions, again.repeated) == (60, (), 60)
    assert [rows_of(store, table) for table in tables] == before


def test_arms_are_recorded_as_events_in_the_transaction_that_makes_the_triggers(store):
    settled(store, many(40), book(campaign(control_share=0.4), global_control_share=0.2))
    events = rows_of(store, live_event)
    labels = Counter(row["label"] for row in events)
    assert set(labels) == {"stay/treated", "stay/control", "global/treated", "global/control"}
    assert labels["global/treated"] == labels["stay/treated"] + labels["stay/control"]
    assert labels["global/treated"] + labels["global/control"] == 40
    assert {row["kind"] for row in events} == {"assignment"}
    assert {row["occurred_at"] for row in events} == {instant_of(NOON)}
    treated = {row["customer_id"] for row in events if row["label"] == "stay/treated"}
    assert {each.customer_id for each in triggers_after(store, 0, 99)} == treated


def test_an_assignment_does_not_move_the_instant_up_to_which_customers_are_known(store):
    settled(store, many(3))
    with store.reading() as connection:
        assert connection.execute(select(live_state.c.latest_instant)).scalar_one() == 0


def test_if_anything_fails_nothing_is_written(store):
    """A trigger that bears the next number stands in the way of the very last step."""
    stray = {"decision_id": "x", "campaign": "x", "customer_id": "x", "made_at": 0}
    with store.writing() as connection:
        connection.execute(insert(campaign_trigger).values(number=3, not_before=0, **stray))
    with pytest.raises(IntegrityError):
        settled(store, many(5))
    for table in (campaign_decision, campaign_assignment, campaign_budget, live_event):
        assert rows_of(store, table) == []


def test_cooldown_and_cap_see_what_was_decided_before_and_count_the_control_group(store):
    held = book(campaign(control_share=0.5, cooldown_days=10.0))
    settled(store, many(30), held)
    soon = settled(store, many(30), held, "night 2026-03-19", NOON + 9.9 * DAY)
    assert {each.outcome for each in soon.decisions} == {"nothing"}
    later = settled(store, many(30), held, "night 2026-03-20", NOON + 10 * DAY)
    assert {each.outcome for each in later.decisions} == {"contact", "control"}


def test_arms_stay_as_first_given_when_the_share_grows(store):
    settled(store, many(50), book(campaign(control_share=0.2, cooldown_days=0.0)))
    grown = book(campaign(control_share=0.6, cooldown_days=0.0))
    again = settled(store, many(80), grown, "night 2026-03-11", NOON + DAY)
    arms = {row["customer_id"]: row["arm"] for row in rows_of(store, campaign_assignment)}
    for each in again.decisions:
        arm = "control" if each.outcome == "control" else "treated"
        assert arms[each.candidate.customer_id] == arm
    first = [arms[f"C{number}"] for number in range(50)].count("control")
    assert first < 20


def test_eight_writers_against_one_budget_never_overspend(open_store):
    """320 decisions at once for a budget of 100 contacts: exactly 100 are paid for."""
    stores = [open_store() for _ in range(8)]
    rulebook = book(campaign(daily_budget=1000.0, monthly_budget=5000.0, control_share=0.1))

    def decide_some(writer):
        for part in range(4):
            some = many(10, first=writer * 1000 + part * 10)
            settled(stores[writer], some, rulebook, f"event {writer}-{part}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decide_some, range(8)))
    decisions = rows_of(stores[0], campaign_decision)
    assert len(decisions) == 320
    assert sum(row["reserved"] for row in decisions) == 100_000
    reserved = {row["period"]: row["reserved"] for row in rows_of(stores[0], campaign_budget)}
    assert reserved == {"2026-03-10": 100_000, "2026-03": 100_000}
    numbers = [each.number for each in triggers_after(stores[0], 0, 2000)]
    assert numbers == list(range(1, 101))


def test_two_runs_of_one_night_at_once_decide_of_everybody_once(open_store):
    stores = [open_store() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: settled(one, many(50)), stores))
    assert sorted(len(each.decisions) for each in found) == [0, 0, 0, 50]
    with stores[0].reading() as connection:
        count = select(func.count()).select_from(campaign_trigger)
        assert connection.execute(count).scalar_one() == 50


def test_a_day_of_the_budget_begins_at_midnight_of_the_rules(store):
    """23:30 UTC on the 10th is the 11th in Vienna: its day is new, its month is the same."""
    rulebook = book(campaign(daily_budget=10.0, monthly_budget=20.0), time_zone="Europe/Vienna")
    late = NOON.replace(hour=23, minute=30)
    for number, (now, outcome) in enumerate(
        [(NOON, "contact"), (NOON, "nothing"), (late, "contact"), (NOON + 2 * DAY, "nothing")]
    ):
        [found] = settled(store, many(1, number), rulebook, f"event {number}", now).decisions
        assert found.outcome == outcome


def test_triggers_wait_for_the_end_of_the_customers_quiet_hours(store):
    rulebook = book(quiet_from=time(20), quiet_until=time(8))
    late = NOON.replace(hour=19, minute=30)
    zones = ("Europe/Vienna", "America/New_York")
    some = [candidate(zone, time_zone=zone) for zone in zones]
    settled(store, some, rulebook, now=late)
    waits = {each.customer_id: datetime_of(each.not_before) for each in triggers_after(store, 0, 9)}
    assert waits["Europe/Vienna"] == NOON.replace(day=11, hour=7)
    assert waits["America/New_York"] == late


def test_nobody_who_was_erased_meanwhile_is_decided_of(store):
    log = SimpleNamespace(erased={"C1"})
    found = settled(store, many(3), log=log)
    assert [each.candidate.customer_id for each in found.decisions] == ["C0", "C2"]


def test_the_overview_adds_up_and_tells_a_broken_control_group(store):
    rulebook = book(campaign(control_share=0.2, daily_budget=5000.0))
    settled(store, many(300), rulebook)
    [found] = standing_of_campaigns(store, rulebook, NOON)
    control = sum(row["arm"] == "control" for row in rows_of(store, campaign_assignment))
    assert (found.arms.assigned, found.arms.control) == (300, control)
    assert found.arms.control_promised == pytest.approx(60)
    assert found.contacts == 300 - control
    assert found.expected_profit == pytest.approx(5.0 * found.contacts)
    assert found.reserved_today == 10.0 * found.contacts
    assert not found.arms.sample_ratio.is_mismatch
    with store.writing() as connection:
        arm = campaign_assignment.update().where(campaign_assignment.c.draw < 0.5)
        connection.execute(arm.values(arm="control"))
    [broken] = standing_of_campaigns(store, rulebook, NOON)
    assert broken.arms.sample_ratio.is_mismatch


def test_the_control_group_of_all_campaigns_is_watched_as_theirs_are(store):
    rulebook = book(campaign(), global_control_share=0.3)
    settled(store, many(300), rulebook)
    found = global_control(store, rulebook)
    kept = sum(row["campaign"] == GLOBAL and row["arm"] == "control" for row in arms(store))

    assert (found["control_share"], found["assigned"], found["in_control"]) == (0.3, 300, kept)
    assert found["control_promised"] == pytest.approx(90)
    assert not found["sample_ratio_mismatch"]
    with store.writing() as connection:
        arm = campaign_assignment.update().where(campaign_assignment.c.draw < 0.6)
        connection.execute(arm.values(arm="control"))
    assert global_control(store, rulebook)["sample_ratio_mismatch"]


def arms(store):
    return rows_of(store, campaign_assignment)


def test_the_overview_reads_no_decision_that_led_to_nothing(tmp_path):
    with LiveStore(tmp_path / "state").reading() as connection:
        query = _CONTACTS.compile(connection, compile_kwargs={"literal_binds": True})
        [plan] = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")

    assert "USING COVERING INDEX campaign_decision_outcome (outcome=?)" in plan[-1]


def test_erasure_reaches_what_was_decided(store):
    settled(store, many(3))
    with writing(store.state):
        receipt = erase_customers(store.state.parent, store, ["C1"], NOON, COMMAND_LINE)
    assert (receipt.decisions, receipt.posted_events) == (1, 1)
    for table in (campaign_decision, campaign_assignment, campaign_trigger):
        assert {row["customer_id"] for row in rows_of(store, table)} == {"C0", "C2"}
    [fourth] = settled(store, many(1, first=3), occasion="later").decisions
    numbers = {each.customer_id: each.number for each in triggers_after(store, 0, 9)}
    assert fourth.outcome == "contact"
    assert numbers == {"C0": 1, "C2": 3, "C3": 4}
