"""What the kernel's primitives mean, on small histories worked out by hand."""

import math

import numpy as np
import pytest

from features.expressions import (
    ActiveDays,
    Constant,
    Count,
    CountSince,
    DaysSince,
    Deviation,
    DistinctLabels,
    Expression,
    Largest,
    Latest,
    Mean,
    Season,
    Total,
)
from features.history import history_from_events
from features.kernel import CUSTOMERS_AT_ONCE, Moment
from features.profiles import unknown_profiles
from features.program import program_of
from features.references import NO_REFERENCES
from tests.features.histories import at, events_of, history_of
from tests.features.strategies import ROLLS


def moment_of(*events, as_of="2024-07-01"):
    history = history_of(*[("ann", *event) for event in events])
    return Moment(history, unknown_profiles(history.n_customers), at(as_of), ROLLS, NO_REFERENCES)


def value(expression, *events, as_of="2024-07-01"):
    return moment_of(*events, as_of=as_of).value(expression).tolist()[0]


def test_a_window_holds_its_first_instant_and_not_as_of():
    events = [
        ("support", "2024-05-31T23:59:59.999999"),
        ("support", "2024-06-01"),
        ("support", "2024-06-30T23:59:59.999999"),
        ("support", "2024-07-01"),
    ]

    assert value(Count("support", 30), *events) == 2
    assert value(Count("support"), *events) == 3


def test_totals_are_in_major_units_of_money_and_in_quantities():
    events = [
        ("payment", "2024-06-01", {"amount": 0.1}),
        ("payment", "2024-06-02", {"amount": 0.2}),
        ("usage", "2024-06-03", {"amount": 0.125, "label": "gigabytes"}),
        ("usage", "2024-06-04", {"amount": 2.0, "label": "calls"}),
    ]

    assert value(Total("payment"), *events) == 0.3
    assert value(Total("usage:gigabytes"), *events) == 0.125
    with pytest.raises(ValueError, match="mixes metrics"):
        value(Total("usage"), *events)


def test_days_since_are_fractions_of_days_from_the_latest_or_the_first():
    events = [("support", "2024-06-01"), ("support", "2024-06-30T18:00:00")]

    assert value(DaysSince("support"), *events) == 0.25
    assert value(DaysSince("support", "first"), *events) == 30
    assert math.isnan(value(DaysSince("review"), *events))


def test_ratings_that_were_not_given_do_not_count():
    events = [
        ("review", "2024-06-01", {"amount": 5.0}),
        ("review", "2024-06-02", {"amount": 2.0}),
        ("review", "2024-06-03"),
    ]

    assert value(Latest("review"), *events) == 2
    assert value(Mean("review"), *events) == 3.5
    assert math.isnan(value(Mean("review"), events[-1]))


def test_events_without_a_label_add_no_distinct_label():
    events = [
        ("payment", "2024-06-01", {"amount": 1.0, "label": "tea"}),
        ("payment", "2024-06-02", {"amount": 1.0, "label": "tea"}),
        ("payment", "2024-06-03", {"amount": 1.0}),
        ("payment", "2023-06-03", {"amount": 1.0, "label": "coffee"}),
    ]

    assert value(DistinctLabels("payment", 180), *events) == 1


def test_active_days_are_days_in_utc_also_on_the_last_day_before_the_epoch():
    events = [
        ("usage", "1969-12-31T00:00:00", {"amount": 1.0}),
        ("usage", "1969-12-31T23:00:00", {"amount": 1.0}),
        ("usage", "1970-01-01T00:00:00", {"amount": 1.0}),
    ]

    assert value(ActiveDays("usage", 30), *events, as_of="1970-01-02") == 2


def test_a_customer_who_never_bought_has_no_repeat_purchases():
    assert value(Count("repeat_purchase"), ("support", "2024-06-01")) == 0


def test_a_division_by_nothing_is_missing():
    assert math.isnan(value(Count("refund") / Count("payment"), ("support", "2024-06-01")))
    assert value(Count("support") / 2 + Constant(1.0), ("support", "2024-06-01")) == 1.5


def test_customers_without_visible_events_stand_between_those_with_some():
    table = events_of(("bob", "support", "2024-06-01"), ("dan", "support", "2024-08-01"))
    history = history_from_events(table, 100, ["ann", "bob", "cem", "dan"])
    moment = Moment(history, unknown_profiles(4), at("2024-07-01"), ROLLS, NO_REFERENCES)

    columns = [Count("support", 90), DaysSince("support"), DistinctLabels("support", 90)]

    nan = np.nan
    np.testing.assert_array_equal(
        moment.matrix(program_of(columns)), [[0, nan, 0], [1, 30, 0], [0, nan, 0], [0, nan, 0]]
    )


def test_an_expression_the_kernel_does_not_know_is_named():
    with pytest.raises(TypeError, match="is no expression the kernel knows"):
        moment_of(("support", "2024-06-01")).value(Expression())


def test_counts_since_begin_after_the_latest_of_the_other_happening():
    events = [
        ("payment_failed", "2024-06-01"),
        ("payment", "2024-06-02", {"amount": 9.0}),
        ("payment_failed", "2024-06-03"),
        ("payment_failed", "2024-06-03"),
    ]

    assert value(CountSince("payment_failed", "payment"), *events) == 2
    assert value(CountSince("payment_failed", "refund"), *events) == 3
    assert value(CountSince("refund", "payment"), *events) == 0


def test_ties_in_time_are_ordered_by_event_id():
    payment, failure = (
        ("payment", "2024-06-01", {"amount": 9.0}),
        ("payment_failed", "2024-06-01"),
    )

    assert value(CountSince("payment_failed", "payment"), payment, failure) == 1
    assert value(CountSince("payment_failed", "payment"), failure, payment) == 0


def test_the_spread_of_gaps_is_their_standard_deviation():
    events = [("payment", f"2024-06-{day:02d}", {"amount": 9.0}) for day in (1, 2, 4, 10)]

    gaps_days = [1, 2, 6]
    assert value(Deviation("purchase_gap"), *events) == pytest.approx(np.std(gaps_days))
    assert value(Largest("purchase_gap"), *events) == 6
    assert value(Mean("purchase_gap"), *events) == 3


def test_nothing_is_largest_where_nothing_has_a_value():
    events = [("review", "2024-06-01")]

    assert math.isnan(value(Largest("review"), *events))
    assert math.isnan(value(Deviation("review"), *events))
    assert math.isnan(value(Largest("payment"), *events))


def test_limits_keep_what_is_missing_missing():
    events = [("support", "2024-06-01")]

    assert value(DaysSince("support").at_most(7), *events) == 7
    assert value(DaysSince("support").at_least(45), *events) == 45
    assert math.isnan(value(DaysSince("review").at_most(7), *events))


@pytest.mark.parametrize(
    ("as_of", "month", "sine", "cosine"),
    [("2024-01-31", 1, 0, 1), ("2024-04-01", 4, 1, 0), ("2024-10-31T23:59:59", 10, -1, 0)],
)
def test_the_season_is_a_place_on_the_circle_of_the_year(as_of, month, sine, cosine):
    event = ("support", "2023-06-01")

    assert value(Season("month"), event, as_of=as_of) == month
    assert value(Season("sine"), event, as_of=as_of) == pytest.approx(sine, abs=1e-12)
    assert value(Season("cosine"), event, as_of=as_of) == pytest.approx(cosine, abs=1e-12)


def test_a_window_holds_no_more_days_than_it_is_long_at_any_hour():
    hours = [f"2024-06-{day}T{hour}:00:00" for day in range(23, 31) for hour in ("06", "18")]
    events = [("usage", hour, {"amount": 1.0}) for hour in hours]
    both = program_of([ActiveDays("usage", 7), ActiveDays("usage", 30)])

    matrix = moment_of(*events, as_of="2024-07-01T12:00:00").matrix(both)

    assert matrix.tolist() == [[7, 9]]


def test_more_customers_than_fit_at_once_get_the_values_they_get_alone():
    days = range(CUSTOMERS_AT_ONCE + 3)
    who = [f"c{number:05d}" for number in days]
    rows = [
        (customer, "support", f"2024-06-{1 + number % 28:02d}")
        for number, customer in enumerate(who)
    ]
    history = history_from_events(events_of(*rows), 100, who)
    moment = Moment(history, unknown_profiles(len(who)), at("2024-07-01"), ROLLS, NO_REFERENCES)

    found = moment.value(DaysSince("support"))

    assert found.tolist() == [30 - number % 28 for number in days]
