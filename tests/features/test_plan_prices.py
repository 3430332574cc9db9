from dataclasses import replace

import numpy as np
import pytest

from features.expressions import Allowance
from features.history import NO_SCALES, history_from_events
from features.kernel import Moment
from features.mistakes import ConfigurationError
from features.profiles import unknown_profiles
from features.references import NO_REFERENCES, References
from tests.features.histories import at, events_of, history_of
from tests.features.strategies import ROLLS

LADDER = References(ladder={"Basic": 1000, "Plus": 2000, "Max": 4000})


def value(name, *events, as_of="2024-06-01", references=NO_REFERENCES, acquired=None):
    profiles = unknown_profiles(1)
    if acquired:
        profiles = replace(profiles, acquired=np.array([at(acquired)]))
    history = history_of(*[("ann", *event) for event in events])
    return Moment(history, profiles, at(as_of), ROLLS, references).plan.value(name).tolist()[0]


def subscribed(amount, **columns):
    return ("subscribe", "2024-01-15", {"amount": amount, **columns})


@pytest.mark.parametrize(
    ("list_price", "place"), [(10.0, 0.0), (15.0, 0.5), (20.0, 0.5), (40.0, 1.0), (99.0, 1.0)]
)
def test_the_place_on_the_ladder_is_the_share_of_other_plans_that_are_cheaper(list_price, place):
    discounted = subscribed(1.0, list_amount=list_price)

    assert value("ladder_place", discounted, references=LADDER) == place


@pytest.mark.parametrize("own_price", [8.0, 20.0, 45.0])
def test_a_plan_on_the_ladder_has_its_place_there_whatever_is_paid_for_it(own_price):
    assert value("ladder_place", subscribed(own_price, label="Plus"), references=LADDER) == 0.5


def test_during_a_pause_prices_are_those_before_it():
    plus = subscribed(15.0, label="Plus")
    pause = ("plan_change", "2024-02-15", {"amount": 0.0})
    known = References(ladder=LADDER.ladder, typical_price=1000)

    assert value("ladder_place", plus, pause, references=known) == 0.5
    assert value("price_to_plan_price", plus, pause, references=known) == 15 / 20
    assert value("price_to_cohort", plus, pause, references=known) == 15 / 10
    assert value("list_mrr", plus, pause, references=known) == 0


def test_on_a_ladder_of_one_plan_the_place_is_0_and_without_a_ladder_it_is_unknown():
    one = References(ladder={"Basic": 1000})

    assert value("ladder_place", subscribed(20.0), references=one) == 0.0
    assert np.isnan(value("ladder_place", subscribed(20.0)))


def test_the_list_price_is_held_against_what_the_ladder_asks_for_the_same_plan():
    def ratio(label, references=LADDER):
        plan = subscribed(10.0, list_amount=15.0, label=label)
        return value("price_to_plan_price", plan, references=references)

    assert ratio("Plus") == 15 / 20
    assert np.isnan(ratio("Gone"))
    assert np.isnan(ratio(None))
    assert np.isnan(ratio("Free", References(ladder={"Free": 0})))


def test_the_price_is_held_against_the_cohort_of_the_month_the_relationship_began_in():
    known = References(cohort_prices={"2023-11": 500, "2024-01": 800}, typical_price=1600)
    both = (subscribed(3.0, list_amount=4.0), subscribed(8.0, subscription_id="second"))
    cut = ("renew", "2024-01-15", {"amount": 12.0})

    assert value("price_to_cohort", *both, references=known) == 12 / 8
    assert value("price_to_cohort", cut, references=known, acquired="2023-11-30") == 12 / 5
    assert value("price_to_cohort", cut, references=known, acquired="2023-10-31") == 12 / 16
    assert np.isnan(value("price_to_cohort", cut))


def test_a_change_of_mrr_is_held_against_what_was_charged_then():
    moved = (subscribed(10.0), ("plan_change", "2024-05-01", {"amount": 15.0}))

    assert value("mrr_change_90d", *moved) == 0.5
    assert value("mrr_change_90d", *moved, as_of="2024-08-01") == 0.0
    assert np.isnan(value("mrr_change_365d", *moved))
    assert value("mrr_change_365d", *moved, as_of="2025-04-01") == 0.5


def test_a_plan_is_paused_where_a_charge_and_a_list_price_are_left_off():
    pause = ("plan_change", "2024-03-01", {"amount": 0.0})
    free = ("plan_change", "2024-03-01", {"amount": 0.0, "list_amount": 10.0})

    assert value("is_paused", subscribed(10.0)) == 0.0
    assert value("is_paused", subscribed(10.0), pause) == 1.0
    assert value("is_paused", subscribed(10.0), free) == 0.0
    assert value("is_paused", subscribed(0.0)) == 0.0, "a plan at no price is not paused"


def allowance(*plans, references=NO_REFERENCES, usage_scale=NO_SCALES):
    table = events_of(*[("ann", *plan) for plan in plans])
    history = history_from_events(table, 100, usage_scale=usage_scale)
    moment = Moment(history, unknown_profiles(1), at("2024-06-01"), ROLLS, references)
    return moment.value(Allowance("gigabytes")).tolist()[0]


BASIC = subscribed(10.0, label="Basic")
OTHER = subscribed(30.0, label="Other", subscription_id="third")


def test_the_allowance_adds_up_over_the_plans_that_have_one():
    known = References(allowances={"Basic": 100.5, "Plus": 200.0})
    plus = subscribed(20.0, label="Plus", subscription_id="second")

    assert allowance(BASIC, plus, OTHER, references=known) == 300.5
    assert allowance(BASIC, OTHER, references=known) == 100.5
    assert np.isnan(allowance(OTHER, references=known))
    assert np.isnan(allowance(BASIC))


def test_an_allowance_is_as_fine_as_the_usage_of_its_metric():
    known = References(allowances={"Basic": 0.000125})

    assert allowance(BASIC, references=known) == 0.0
    assert allowance(BASIC, references=known, usage_scale={"gigabytes": 10**6}) == 0.000125
    assert allowance(BASIC, references=known, usage_scale={"minutes": 10**6}) == 0.0


def test_an_allowance_too_large_for_its_scale_is_refused():
    known = References(allowances={"Basic": 1e12})

    assert allowance(BASIC, references=known) == 1e12
    with pytest.raises(ConfigurationError, match="allowance of plan 'Basic' is 1e"):
        allowance(BASIC, references=known, usage_scale={"gigabytes": 10**6})


def test_prices_of_one_customer_leave_those_of_the_next_alone():
    history = history_of(
        ("ann", *subscribed(10.0, label="Plus")), ("bob", *subscribed(40.0, label="Max"))
    )
    plan = Moment(history, unknown_profiles(2), at("2024-06-01"), ROLLS, LADDER).plan

    assert plan.value("ladder_place").tolist() == [0.5, 1.0]
    assert plan.value("price_to_plan_price").tolist() == [0.5, 1.0]
