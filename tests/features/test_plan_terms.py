import numpy as np

from features.kernel import Moment
from features.profiles import unknown_profiles
from features.references import NO_REFERENCES
from tests.features.histories import at, history_of
from tests.features.strategies import ROLLS

LINE = ("subscribe", "2024-01-01", {"amount": 10.0, "subscription_id": "a"})
SECOND = ("subscribe", "2024-01-01", {"amount": 5.0, "subscription_id": "b"})


def value(name, *events, as_of):
    history = history_of(*[("ann", *event) for event in events])
    moment = Moment(history, unknown_profiles(1), at(as_of), ROLLS, NO_REFERENCES)
    return moment.plan.value(name).tolist()[0]


def test_a_contraction_is_a_line_that_ended_while_another_stayed_open():
    ended = ("cancel", "2024-03-01", {"subscription_id": "b"})

    assert value("contractions_365d", LINE, SECOND, ended, as_of="2024-03-01") == 0
    assert value("contractions_365d", LINE, SECOND, ended, as_of="2024-03-02") == 1
    assert value("contractions_365d", LINE, SECOND, ended, as_of="2025-03-01") == 1
    assert value("contractions_365d", LINE, SECOND, ended, as_of="2025-03-02") == 0


def test_a_line_replaced_at_the_same_instant_and_a_whole_break_are_no_contractions():
    ended = ("cancel", "2024-03-01", {"subscription_id": "b"})
    third = ("subscribe", "2024-03-01", {"amount": 7.0, "subscription_id": "c"})
    left = ("cancel", "2024-03-01", {"subscription_id": "a"})
    back = ("subscribe", "2024-05-01", {"amount": 7.0, "subscription_id": "a"})

    assert value("contractions_365d", LINE, SECOND, ended, third, as_of="2024-06-01") == 0
    assert value("contractions_365d", LINE, left, back, as_of="2024-06-01") == 0


def test_a_standing_notice_counts_from_when_it_was_first_given():
    notice = ("cancel", "2024-03-01", {"subscription_id": "a", "effective_at": "2024-09-01"})
    other = ("cancel", "2024-02-10", {"subscription_id": "b", "effective_at": "2024-12-01"})
    withdrawn = ("cancel_withdrawn", "2024-03-05", {"subscription_id": "a"})

    assert value("days_since_notice", LINE, notice, as_of="2024-03-11") == 10
    assert value("days_since_notice", LINE, SECOND, other, notice, as_of="2024-03-11") == 30
    assert np.isnan(value("days_since_notice", LINE, notice, withdrawn, as_of="2024-03-11"))
    assert np.isnan(value("days_since_notice", LINE, as_of="2024-03-11"))


def test_a_notice_that_has_taken_effect_stands_no_more():
    ended = ("cancel", "2024-03-01", {"subscription_id": "b"})

    assert np.isnan(value("days_since_notice", LINE, SECOND, ended, as_of="2024-03-11"))


def test_a_notice_stands_behind_a_change_that_is_booked_before_it():
    booked = (
        "plan_change",
        "2024-02-01",
        {"amount": 8.0, "subscription_id": "a", "effective_at": "2024-05-01"},
    )
    notice = ("cancel", "2024-03-01", {"subscription_id": "a", "effective_at": "2024-09-01"})

    assert value("days_since_notice", LINE, booked, notice, as_of="2024-03-11") == 10


def test_a_discount_ends_in_the_month_ahead_in_which_the_full_price_is_booked():
    half = ("subscribe", "2024-01-01", {"amount": 5.0, "list_amount": 10.0})
    less = (
        "plan_change",
        "2024-01-01",
        {"amount": 8.0, "list_amount": 10.0, "effective_at": "2024-04-01"},
    )
    full = ("plan_change", "2024-01-01", {"amount": 10.0, "effective_at": "2024-07-01"})

    assert value("months_to_discount_end", half, less, full, as_of="2024-03-15") == 4
    assert value("months_to_discount_end", half, full, as_of="2024-06-15") == 1
    assert np.isnan(value("months_to_discount_end", half, less, as_of="2024-03-15"))
    assert np.isnan(value("months_to_discount_end", half, full, as_of="2024-07-02"))


def test_the_full_price_of_another_subscription_does_not_end_a_discount():
    half = ("subscribe", "2024-01-01", {"amount": 50.0, "list_amount": 60.0})
    booked = (
        "subscribe",
        "2024-02-01",
        {"amount": 5.0, "subscription_id": "b", "effective_at": "2024-05-01"},
    )

    assert np.isnan(value("months_to_discount_end", half, booked, as_of="2024-03-15"))


def test_a_pause_that_is_booked_does_not_end_a_discount():
    half = ("subscribe", "2024-01-01", {"amount": 5.0, "list_amount": 10.0})
    pause = ("plan_change", "2024-01-01", {"amount": 0.0, "effective_at": "2024-04-01"})
    full = ("plan_change", "2024-01-01", {"amount": 10.0, "effective_at": "2024-07-01"})

    assert np.isnan(value("months_to_discount_end", half, pause, as_of="2024-03-15"))
    assert value("months_to_discount_end", half, pause, full, as_of="2024-03-15") == 4


def test_a_notice_stands_no_more_where_the_subscription_goes_on_at_its_end():
    notice = ("cancel", "2024-03-01", {"subscription_id": "a", "effective_at": "2024-09-01"})
    renewed = (
        "renew",
        "2024-03-05",
        {"subscription_id": "a", "amount": 9.0, "effective_at": "2024-09-01"},
    )

    assert value("days_since_notice", LINE, notice, as_of="2024-03-11") == 10
    assert np.isnan(value("days_since_notice", LINE, notice, renewed, as_of="2024-03-11"))
