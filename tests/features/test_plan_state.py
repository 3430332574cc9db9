from dataclasses import replace

import numpy as np
import pytest

from features.history import history_from_events
from features.kernel import Moment
from features.profiles import unknown_profiles
from features.references import NO_REFERENCES
from tests.features.histories import at, events_of, history_of
from tests.features.strategies import ROLLS

LAPSES = ROLLS.model_copy(update={"term_end": "lapses"})


def plan_of(*events, as_of, rules=ROLLS, acquired=None, references=NO_REFERENCES):
    history = history_of(*[("ann", *event) for event in events])
    profiles = unknown_profiles(1)
    if acquired:
        known = np.array([at(acquired)])
        profiles = replace(profiles, acquired=known)
    return Moment(history, profiles, at(as_of), rules, references).plan


def value(name, *events, **circumstances):
    return plan_of(*events, **circumstances).value(name).tolist()[0]


def test_prices_add_up_over_open_subscriptions_and_discounts_are_a_share_of_list():
    plan = plan_of(
        ("subscribe", "2024-01-01", {"amount": 15.0, "list_amount": 20.0, "subscription_id": "a"}),
        ("subscribe", "2024-01-01", {"amount": 10.0, "subscription_id": "b"}),
        as_of="2024-02-01",
    )

    assert plan.value("mrr").tolist() == [25.0]
    assert plan.value("list_mrr").tolist() == [30.0]
    assert plan.value("discount_share").tolist() == [5 / 30]
    assert plan.value("open_subscriptions").tolist() == [2.0]


def test_nothing_has_a_value_once_the_last_subscription_has_ended():
    plan = plan_of(
        ("subscribe", "2024-01-01", {"amount": 15.0}),
        ("cancel", "2024-01-20", {"effective_at": "2024-02-01"}),
        as_of="2024-02-01",
    )

    assert plan.is_open.tolist() == [False]
    assert np.isnan(plan.value("mrr")).all()
    assert np.isnan(plan.value("months_to_booked_end")).all()


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2024-01-16", 12),  # ends 2025-01-15, in the twelfth month from 16 January
        ("2024-01-15T00:00:01", 12),
        ("2024-12-15", 2),  # ends exactly one month ahead: the second month begins then
        ("2024-12-16", 1),
        ("2025-01-15", 1),  # ends at as_of: nobody knows yet whether it goes on
        ("2025-01-16", 12),  # rolled over
    ],
)
def test_a_renewal_is_due_in_the_month_ahead_that_holds_the_end_of_the_term(as_of, expected):
    yearly = ("subscribe", "2024-01-15", {"amount": 20.0, "term_months": 12})

    assert value("months_to_renewal", yearly, as_of=as_of) == expected


def test_a_renewal_and_a_booked_end_on_the_same_day_fall_in_the_same_month():
    yearly = ("subscribe", "2024-01-01", {"amount": 20.0, "term_months": 12})
    ending = ("cancel", "2024-06-10", {"effective_at": "2025-01-01"})
    plan = plan_of(yearly, ending, as_of="2024-11-01")

    assert plan.value("months_to_renewal").tolist() == [3.0]
    assert plan.value("months_to_booked_end").tolist() == [3.0]


def test_a_term_from_the_last_of_january_ends_by_the_clipped_calendar():
    monthly = ("subscribe", "2024-01-31", {"amount": 20.0, "term_months": 1})

    # The second term ends on 31 March; month 1 from 29 February is over on 29 March.
    assert value("months_to_renewal", monthly, as_of="2024-02-29T00:00:01") == 2


def test_a_plan_without_a_term_has_no_renewal():
    assert np.isnan(
        value("months_to_renewal", ("subscribe", "2024-01-01", {"amount": 9.0}), as_of="2024-03-01")
    )


def test_a_term_that_lapses_is_a_booked_end():
    term = ("subscribe", "2024-01-01", {"amount": 9.0, "term_months": 6})

    assert value("months_to_booked_end", term, as_of="2024-05-15", rules=LAPSES) == 2
    assert np.isnan(value("months_to_booked_end", term, as_of="2024-05-15"))


def test_a_renewal_at_the_same_price_leaves_the_months_on_the_plan():
    events = (
        ("subscribe", "2024-01-01", {"amount": 9.0, "label": "Basic"}),
        ("renew", "2024-04-01", {"amount": 9.0, "label": "Basic"}),
    )
    dearer = ("renew", "2024-06-01", {"amount": 10.0, "label": "Basic"})

    assert value("months_on_plan", *events, as_of="2024-07-01") == 6
    assert value("months_on_plan", *events, dearer, as_of="2024-07-01") == 1


def test_a_return_to_the_same_price_starts_the_months_on_the_plan_anew():
    events = (
        ("subscribe", "2024-01-01", {"amount": 9.0}),
        ("cancel", "2024-03-01"),
        ("subscribe", "2024-03-15", {"amount": 9.0}),
    )

    assert value("months_on_plan", *events, as_of="2024-07-01") == 3
    assert value("tenure_months", *events, as_of="2024-07-01") == 6


def test_tenure_counts_from_acquisition_only_where_the_beginning_was_not_recorded():
    cut = ("renew", "2024-01-01", {"amount": 9.0})
    whole = ("subscribe", "2024-01-01", {"amount": 9.0})
    at_once = ("plan_change", "2024-01-01", {"amount": 8.0})
    circumstances = {"as_of": "2024-07-01", "acquired": "2023-01-01"}

    assert value("tenure_months", cut, **circumstances) == 18
    assert value("tenure_months", whole, **circumstances) == 6
    assert value("tenure_months", whole, at_once, **circumstances) == 6


def test_a_booked_change_is_the_share_of_mrr_it_adds_or_takes():
    plan = ("subscribe", "2024-01-01", {"amount": 20.0})
    booked = ("plan_change", "2024-02-01", {"amount": 15.0, "effective_at": "2024-06-01"})
    ending = ("cancel", "2024-02-10", {"effective_at": "2024-07-01"})

    assert value("booked_mrr_change", plan, booked, as_of="2024-03-01") == -0.25
    assert value("booked_mrr_change", plan, as_of="2024-03-01") == 0.0
    assert value("booked_mrr_change", plan, booked, ending, as_of="2024-03-01") == 0.0


def test_a_change_is_void_by_any_later_cancellation_that_acts_before_it():
    plan = plan_of(
        ("subscribe", "2024-01-01", {"amount": 20.0}),
        ("cancel", "2024-01-02", {"effective_at": "2024-05-01"}),
        ("plan_change", "2024-01-03", {"amount": 9.0, "effective_at": "2024-06-01"}),
        ("cancel", "2024-01-04", {"effective_at": "2024-03-01"}),
        as_of="2024-02-01",
    )

    assert plan.value("months_to_booked_end").tolist() == [2.0]


def test_a_withdrawal_at_the_instant_of_the_end_comes_too_late():
    plan = plan_of(
        ("subscribe", "2024-01-01", {"amount": 20.0}),
        ("cancel", "2024-01-02", {"effective_at": "2024-02-01"}),
        ("cancel_withdrawn", "2024-02-01"),
        as_of="2024-02-02",
    )

    assert plan.is_open.tolist() == [False]


def test_the_main_plan_is_the_dearest_that_is_open():
    events = (
        ("subscribe", "2024-01-01", {"amount": 20.0, "label": "Max", "subscription_id": "a"}),
        ("subscribe", "2024-01-02", {"amount": 9.0, "label": "Basic", "subscription_id": "b"}),
        ("cancel", "2024-02-01", {"subscription_id": "a"}),
    )

    assert plan_of(*events, as_of="2024-01-15").plan_label.tolist() == ["Max"]
    assert plan_of(*events, as_of="2024-02-15").plan_label.tolist() == ["Basic"]


def test_customers_without_a_visible_event_have_no_plan():
    history = history_from_events(events_of(), 100, ["ann", "bob"])
    plan = Moment(history, unknown_profiles(2), at("2024-01-01"), ROLLS, NO_REFERENCES).plan

    assert plan.plan_label.tolist() == ["", ""]
    assert plan.is_open.tolist() == [False, False]


def test_only_a_first_spell_that_was_not_recorded_from_its_beginning_began_when_acquired():
    first = ("renew", "2024-01-15", {"amount": 10.0})
    left = ("cancel", "2024-02-01")
    back = ("renew", "2024-06-15", {"amount": 10.0})

    assert value("tenure_months", first, as_of="2024-07-20", acquired="2023-01-15") == 18
    returned = (first, left, back)
    assert value("tenure_months", *returned, as_of="2024-07-20", acquired="2023-01-15") == 1
