"""Who gets what: every rule that keeps a campaign from a customer, and what wins."""

import pytest

from serving.campaigns.control import draw_of
from serving.campaigns.decisions import BUDGET, OUTBID, TAKEN, Standing, decide
from serving.campaigns.verdicts import (
    CAPPED,
    COOLING,
    LEFT_ALONE,
    NO_CONSENT,
    NO_PROFIT,
    NOT_ELIGIBLE,
)
from tests.serving.campaigns.made_up import DAY, NOON, book, campaign, candidate, option

NEW = Standing()


def decided(candidates, rulebook, standing=NEW, now=NOON):
    return decide(candidates, rulebook, standing, now)


def only(one, rulebook=None, standing=NEW):
    [found] = decided([one], rulebook or book(), standing)
    return found


def test_a_contact_that_pays_is_made_and_reserves_what_it_may_cost():
    found = only(candidate())
    assert (found.outcome, found.reserved, found.verdicts) == ("contact", 1000, (TAKEN,))


@pytest.mark.parametrize(("one", "why"), [
    (candidate("C1", option(-0.01)), NO_PROFIT),
    (candidate("C1", option(0.0)), NO_PROFIT),
    (candidate("C1", option(is_eligible=False)), NOT_ELIGIBLE),
    (candidate(consent=False), NO_CONSENT),
    (candidate(consent=None), NO_CONSENT),
    (candidate("C1", option(50.0, retention_change=-0.001)), LEFT_ALONE),
])  # fmt: skip
def test_nothing_is_done_where_a_contact_does_not_pay_or_may_not_be(one, why):
    found = only(one)
    assert (found.outcome, found.reason, found.option, found.reserved) == ("nothing", why, None, 0)


def test_consent_is_not_asked_where_a_campaign_needs_none():
    assert (
        only(candidate(consent=None), book(campaign(requires_consent=False))).outcome == "contact"
    )


def test_the_campaign_that_brings_most_wins_and_the_other_says_why_not():
    both = candidate("C1", option(5.0, "stay"), option(7.0, "call"))
    found = only(both, book(campaign("stay"), campaign("call")))
    assert found.option.campaign == "call"
    assert found.verdicts == (OUTBID, TAKEN)


def test_a_campaign_without_consent_leaves_the_customer_to_the_next():
    both = candidate("C1", option(5.0, "letter"), option(7.0, "stay"), consent=False)
    found = only(both, book(campaign("letter", requires_consent=False), campaign("stay")))
    assert found.option.campaign == "letter"
    assert found.verdicts == (TAKEN, NO_CONSENT)


@pytest.mark.parametrize(("days_ago", "why"), [(89.9, COOLING), (90.0, "brings most")])
def test_a_campaign_waits_for_its_cooldown(days_ago, why):
    before = Standing(chosen={"C1": [("stay", NOON - days_ago * DAY)]})
    assert only(candidate(), standing=before).reason == why


def test_the_cooldown_of_one_campaign_holds_no_other():
    before = Standing(chosen={"C1": [("call", NOON - DAY)]})
    assert only(candidate(), standing=before).outcome == "contact"


def test_a_contact_of_another_system_counts_against_the_cap_and_holds_no_other_cooldown():
    called = candidate(contacts=[("call-centre", NOON - DAY)])
    assert only(called, book(most_contacts=1, within_days=30.0)).reason == CAPPED
    assert only(called).outcome == "contact"


def test_a_contact_on_record_that_nobody_decided_here_starts_the_cooldown():
    assert only(candidate(contacts=[("stay", NOON - 89 * DAY)])).reason == COOLING
    assert only(candidate(contacts=[("stay", NOON - 90 * DAY)])).outcome == "contact"


def test_a_decision_and_the_contact_that_came_of_it_count_once():
    before = Standing(chosen={"C1": [("call", NOON - 3 * DAY)]})
    rules = {"most_contacts": 2, "within_days": 30.0}
    reported = candidate(contacts=[("call", NOON - 2 * DAY)])
    assert only(reported, book(**rules), before).outcome == "contact"
    earlier = candidate(contacts=[("call", NOON - 4 * DAY)])
    assert only(earlier, book(**rules), before).reason == CAPPED


def test_contacts_of_all_campaigns_count_against_the_cap():
    before = Standing(chosen={"C1": [("a", NOON - DAY), ("b", NOON - 29 * DAY)]})
    rules = {"most_contacts": 2, "within_days": 30.0}
    assert only(candidate(), book(**rules), before).reason == CAPPED
    long_ago = Standing(chosen={"C1": [("a", NOON - DAY), ("b", NOON - 30 * DAY)]})
    assert only(candidate(), book(**rules), long_ago).outcome == "contact"


def test_places_of_a_budget_go_to_those_who_bring_most():
    some = [candidate(f"C{number}", option(float(number))) for number in range(1, 5)]
    found = decided(some, book(), Standing(left={"stay": 2999}))
    assert [each.outcome for each in found] == ["nothing", "nothing", "contact", "contact"]
    assert found[0].reason == BUDGET


def test_the_control_group_is_who_draws_below_the_share_and_costs_nothing():
    some = [candidate(f"C{number}") for number in range(400)]
    found = decided(some, book(campaign(control_share=0.3)))
    for each in found:
        draw = draw_of("stay", each.candidate.customer_id)
        assert each.draw == draw
        assert (each.outcome == "control") == (draw < 0.3)
        assert each.reserved == (0 if draw < 0.3 else 1000)
    assert 80 < sum(each.outcome == "control" for each in found) < 160


def test_the_control_group_of_all_campaigns_comes_before_that_of_one():
    one = next(f"C{n}" for n in range(999) if draw_of("global", f"C{n}") < 0.1)
    found = only(candidate(one), book(campaign(control_share=0.99), global_control_share=0.1))
    assert (found.outcome, found.draw) == ("global_control", draw_of("global", one))


def test_an_arm_once_given_is_kept_whatever_the_share_becomes():
    given = Standing(arms={("stay", "C1"): "treated"})
    assert only(candidate(), book(campaign(control_share=0.999)), given).outcome == "contact"
    held = Standing(arms={("stay", "C1"): "control"})
    assert only(candidate(), book(campaign(control_share=0.0)), held).outcome == "control"


def test_both_arms_are_held_to_the_same_rules():
    """Only whom the campaign would have contacted is in its experiment, in either arm."""
    some = [candidate(f"C{n}", option(1.0 if n % 2 else -1.0)) for n in range(200)]
    found = decided(some, book(campaign(control_share=0.5)))
    assert {each.outcome for each in found[0::2]} == {"nothing"}
    assert {each.outcome for each in found[1::2]} == {"contact", "control"}


def test_a_campaign_runs_from_its_start_until_before_its_end():
    bounded = campaign(starts=NOON, ends=NOON + DAY)
    assert not bounded.is_live(NOON - DAY / 1000)
    assert bounded.is_live(NOON)
    assert not bounded.is_live(NOON + DAY)


def test_nobody_to_decide_of_is_no_decision():
    assert decided([], book()) == []
