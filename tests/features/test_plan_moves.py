import numpy as np
import pytest

from features.kernel import Moment
from features.plan_moves import MOVES, plan_moves, which_are
from features.profiles import unknown_profiles
from features.references import NO_REFERENCES, References
from features.signals.plan import SIGNALS
from features.timeline import timeline_of
from tests.features.histories import at, history_of
from tests.features.strategies import ROLLS


def moves_of(*plans):
    """Return when which moves come into force, as ISO dates."""
    history = history_of(*[("ann", *plan) for plan in plans])
    moves = plan_moves(timeline_of(history, ROLLS))
    days = [str(day) for day in moves.at.astype("datetime64[us]").astype("datetime64[D]")]
    return {
        name: [days[place] for place in np.flatnonzero(is_one(moves))]
        for name, is_one in MOVES.items()
    }


def signal(name, *plans, as_of):
    history = history_of(*[("ann", *plan) for plan in plans])
    moment = Moment(history, unknown_profiles(1), at(as_of), ROLLS, NO_REFERENCES)
    expression = next(signal.expression for signal in SIGNALS if signal.name == name)
    return moment.value(expression).tolist()[0]


def plan(label, amount, **more):
    return {"label": label, "amount": amount, **more}


START = ("subscribe", "2024-01-01", plan("Max", 20.0))


def test_a_cheaper_other_plan_is_a_downgrade_and_a_dearer_one_an_upgrade():
    moves = moves_of(
        START,
        ("plan_change", "2024-02-01", plan("Basic", 9.0)),
        ("renew", "2024-03-01", plan("Max", 20.0)),
    )

    assert moves["downgrade"] == ["2024-02-01"]
    assert moves["upgrade"] == ["2024-03-01"]


def test_list_prices_decide_and_not_what_is_charged():
    moves = moves_of(
        ("subscribe", "2024-01-01", plan("Max", 5.0, list_amount=20.0)),
        ("plan_change", "2024-02-01", plan("Basic", 9.0)),
    )

    assert moves["downgrade"] == ["2024-02-01"]
    assert moves["discount_ended"] == ["2024-02-01"]


def test_another_list_price_of_the_same_plan_is_a_repricing_and_no_move():
    moves = moves_of(START, ("renew", "2024-02-01", plan("Max", 22.0)))

    assert moves["repricing"] == ["2024-02-01"]
    assert moves["upgrade"] == []


def test_an_event_that_names_no_plan_stays_with_the_plan():
    moves = moves_of(START, ("renew", "2024-02-01", plan(None, 18.0)))

    assert moves["price_cut"] == ["2024-02-01"]
    assert moves["downgrade"] == []


def test_a_discount_begins_and_ends_without_another_price():
    moves = moves_of(
        START,
        ("plan_change", "2024-02-01", plan("Max", 15.0, list_amount=20.0)),
        ("plan_change", "2024-03-01", plan("Max", 12.0, list_amount=20.0)),
        ("plan_change", "2024-04-01", plan("Max", 20.0)),
    )

    assert moves["discount_begun"] == ["2024-02-01"]
    assert moves["discount_ended"] == ["2024-04-01"]
    assert moves["repricing"] == []


def test_a_booked_move_happens_when_it_comes_into_force():
    promotion = (
        ("subscribe", "2024-01-01", plan("Max", 10.0, list_amount=20.0)),
        ("plan_change", "2024-01-01", plan("Max", 20.0, effective_at="2024-07-01")),
    )

    assert moves_of(*promotion)["discount_ended"] == ["2024-07-01"]
    assert signal("discounts_ended_90d", *promotion, as_of="2024-02-01") == 0
    assert np.isnan(signal("days_since_discount_ended", *promotion, as_of="2024-06-30"))
    assert signal("days_since_discount_ended", *promotion, as_of="2024-07-01") == 0
    assert signal("discounts_ended_90d", *promotion, as_of="2024-07-11") == 1
    assert signal("days_since_discount_ended", *promotion, as_of="2024-07-11") == 10


def test_a_booked_change_that_a_cancellation_overtakes_is_no_move():
    moves = moves_of(
        START,
        ("plan_change", "2024-02-01", plan("Basic", 9.0, effective_at="2024-06-01")),
        ("cancel", "2024-03-01", {"effective_at": "2024-04-01"}),
        ("renew", "2024-05-01", plan("Max", 22.0)),
    )

    assert moves["downgrade"] == []
    assert moves["upgrade"] == []
    assert moves["price_rise"] == ["2024-05-01"]


def test_a_renewal_before_a_booked_downgrade_takes_effect_is_no_upgrade():
    moves = moves_of(
        START,
        ("plan_change", "2024-02-01", plan("Basic", 9.0, effective_at="2024-06-01")),
        ("renew", "2024-03-01", plan("Max", 20.0)),
    )

    assert moves["downgrade"] == ["2024-06-01"]
    assert moves["upgrade"] == []


def test_of_two_changes_at_one_instant_only_the_last_was_ever_in_force():
    moves = moves_of(
        START,
        ("plan_change", "2024-02-01", plan("Basic", 9.0)),
        ("plan_change", "2024-02-01", plan("Pro", 30.0)),
    )

    assert moves["downgrade"] == []
    assert moves["upgrade"] == ["2024-02-01"]


def test_a_new_subscription_and_another_subscription_are_no_moves():
    moves = moves_of(
        ("subscribe", "2024-01-01", plan("Max", 20.0, subscription_id="a")),
        ("subscribe", "2024-02-01", plan("Basic", 9.0, subscription_id="a")),
        ("plan_change", "2024-03-01", plan("Mini", 5.0, subscription_id="b")),
    )

    assert not any(moves.values())


def test_a_plan_that_an_event_does_not_name_is_the_one_before():
    unnamed = ("renew", "2024-02-01", plan(None, 20.0))

    dearer = moves_of(START, unnamed, ("plan_change", "2024-03-01", plan("Pro", 30.0)))
    paused = moves_of(START, unnamed, ("plan_change", "2024-03-01", plan("Max", 0.0)))

    assert dearer["upgrade"] == ["2024-03-01"]
    assert dearer["price_rise"] == []
    assert paused["pause"] == ["2024-03-01"]


def test_who_begins_anew_and_changes_at_once_did_not_move():
    moves = moves_of(
        START,
        ("cancel", "2024-03-01"),
        ("subscribe", "2024-09-01", plan("Max", 20.0)),
        ("plan_change", "2024-09-01", plan("Basic", 10.0)),
    )

    assert not any(moves.values())


def test_an_event_without_subscription_is_of_the_only_one():
    moves = moves_of(
        ("subscribe", "2024-01-01", plan("Max", 20.0, subscription_id="a")),
        ("plan_change", "2024-02-01", plan("Basic", 9.0)),
    )

    assert moves["downgrade"] == ["2024-02-01"]


def test_no_charge_by_list_price_is_a_pause_and_neither_it_nor_its_end_a_repricing():
    moves = moves_of(
        START,
        ("plan_change", "2024-02-01", plan("Max", 0.0)),
        ("renew", "2024-03-01", plan("Max", 0.0)),
        ("plan_change", "2024-04-01", plan("Max", 20.0)),
        ("plan_change", "2024-05-01", plan("Max", 0.0, list_amount=20.0)),
    )

    assert moves["pause"] == ["2024-02-01"]
    assert moves["repricing"] == []
    assert moves["discount_begun"] == ["2024-05-01"]


def test_whoever_comes_back_from_a_pause_is_held_against_the_plan_before_it():
    pause = ("plan_change", "2024-02-01", plan(None, 0.0))

    cheaper = moves_of(START, pause, ("plan_change", "2024-03-01", plan("Basic", 9.0)))
    dearer = moves_of(START, pause, ("plan_change", "2024-03-01", plan("Max", 22.0)))

    assert cheaper["pause"] == ["2024-02-01"]
    assert cheaper["downgrade"] == ["2024-03-01"]
    assert cheaper["upgrade"] == []
    assert dearer["price_rise"] == ["2024-03-01"]


def test_a_plan_that_costs_nothing_is_a_plan_and_no_pause():
    moves = moves_of(
        START,
        ("plan_change", "2024-02-01", plan("Free", 0.0)),
        ("plan_change", "2024-03-01", plan("Max", 20.0)),
    )

    assert moves["downgrade"] == ["2024-02-01"]
    assert moves["upgrade"] == ["2024-03-01"]
    assert moves["pause"] == []


def test_a_pause_neither_begins_nor_ends_a_discount():
    moves = moves_of(
        ("subscribe", "2024-01-01", plan("Max", 15.0, list_amount=20.0)),
        ("plan_change", "2024-02-01", plan("Max", 0.0)),
        ("plan_change", "2024-03-01", plan("Max", 15.0, list_amount=20.0)),
    )

    assert moves["discount_ended"] == []
    assert moves["discount_begun"] == []


def test_a_price_rises_or_is_cut_within_the_plan():
    moves = moves_of(
        START,
        ("renew", "2024-02-01", plan("Max", 22.0)),
        ("renew", "2024-03-01", plan("Max", 18.5)),
    )

    assert moves["price_rise"] == ["2024-02-01"]
    assert moves["price_cut"] == ["2024-03-01"]
    assert moves["repricing"] == ["2024-02-01", "2024-03-01"]


def test_streaks_count_moves_in_the_order_they_came_into_force():
    booked_first = (
        START,
        ("plan_change", "2024-01-05", plan("Basic", 9.0, effective_at="2024-06-01")),
        ("plan_change", "2024-02-01", plan("Pro", 30.0)),
    )

    assert signal("upgrades_in_a_row", *booked_first, as_of="2024-03-01") == 1
    assert signal("upgrades_in_a_row", *booked_first, as_of="2024-06-02") == 0
    assert signal("downgrades_in_a_row", *booked_first, as_of="2024-06-02") == 1


def test_the_size_of_a_move_is_the_change_of_the_list_price():
    history = history_of(
        ("ann", *START),
        ("ann", "plan_change", "2024-02-01", plan("Basic", 5.0, list_amount=9.0)),
        ("ann", "plan_change", "2024-03-01", plan("Max", 24.0)),
    )
    moves = plan_moves(timeline_of(history, ROLLS))

    assert moves.size.tolist() == [1100, 1500]


@pytest.mark.parametrize(
    ("ladder", "found"),
    [
        (References(ladder={"Max": 2200, "Basic": 900, "Mini": 500}), [1]),
        # The plan counts, not what was paid for it, unless the ladder does not have it.
        (References(ladder={"Max": 2200, "Basic": 900, "Mini": 400}), [1]),
        (References(ladder={"Max": 2200, "Basic": 1200, "Mini": 1500}), [0]),
        (References(ladder={"Max": 2200, "Other": 900}), [0, 1]),
        (NO_REFERENCES, []),
    ],
)
def test_a_downgrade_to_the_cheapest_plan_on_the_ladder_is_one_to_the_floor(ladder, found):
    history = history_of(
        ("ann", *START),
        ("ann", "plan_change", "2024-02-01", plan("Basic", 9.0)),
        ("ann", "plan_change", "2024-03-01", plan("Mini", 5.0)),
    )
    moves = plan_moves(timeline_of(history, ROLLS))

    assert which_are("downgrade_to_floor", moves, ladder, history.labels).tolist() == found


def test_nothing_moved_in_an_empty_history():
    assert not any(moves_of().values())
