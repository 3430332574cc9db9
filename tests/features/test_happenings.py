import numpy as np
import pytest

from features.happenings import (
    MOVES,
    Happenings,
    plan_moves,
    purchases,
    repeat_purchases,
    scale_of,
)
from features.references import NO_REFERENCES, References
from tests.features.histories import history_of


def found(history, name, references=NO_REFERENCES):
    rows, values = Happenings(history, references).found(name)
    return list(zip(rows.tolist(), values.tolist(), strict=True))


def moves_of(*plans):
    """Return which events count as which move, by the number of the event."""
    history = history_of(*[("ann", *plan) for plan in plans])
    moves = plan_moves(history)
    return {name: moves.row[is_move(moves)].tolist() for name, is_move in MOVES.items()}


def plan(label, amount, **more):
    return {"label": label, "amount": amount, **more}


def test_a_cheaper_other_plan_is_a_downgrade_and_a_dearer_one_an_upgrade():
    moves = moves_of(
        ("subscribe", "2024-01-01", plan("Max", 20.0)),
        ("plan_change", "2024-02-01", plan("Basic", 9.0)),
        ("renew", "2024-03-01", plan("Max", 20.0)),
    )

    assert moves["downgrade"] == [1]
    assert moves["upgrade"] == [2]


def test_list_prices_decide_and_not_what_is_charged():
    moves = moves_of(
        ("subscribe", "2024-01-01", plan("Max", 5.0, list_amount=20.0)),
        ("plan_change", "2024-02-01", plan("Basic", 9.0)),
    )

    assert moves["downgrade"] == [1]
    assert moves["discount_ended"] == [1]


def test_another_list_price_of_the_same_plan_is_a_repricing_and_no_move():
    moves = moves_of(
        ("subscribe", "2024-01-01", plan("Max", 20.0)),
        ("renew", "2024-02-01", plan("Max", 22.0)),
    )

    assert moves["repricing"] == [1]
    assert moves["upgrade"] == []


def test_a_discount_begins_and_ends_without_another_price():
    moves = moves_of(
        ("subscribe", "2024-01-01", plan("Max", 20.0)),
        ("plan_change", "2024-02-01", plan("Max", 15.0, list_amount=20.0)),
        ("plan_change", "2024-03-01", plan("Max", 12.0, list_amount=20.0)),
        ("plan_change", "2024-04-01", plan("Max", 20.0)),
    )

    assert moves["discount_begun"] == [1]
    assert moves["discount_ended"] == [3]
    assert moves["repricing"] == []


def test_a_renewal_before_a_booked_downgrade_takes_effect_is_no_upgrade():
    moves = moves_of(
        ("subscribe", "2024-01-01", plan("Max", 20.0)),
        ("plan_change", "2024-02-01", plan("Basic", 9.0, effective_at="2024-06-01")),
        ("renew", "2024-03-01", plan("Max", 20.0)),
    )

    assert moves["downgrade"] == [1]
    assert moves["upgrade"] == []


def test_a_new_subscription_and_another_subscription_are_no_moves():
    moves = moves_of(
        ("subscribe", "2024-01-01", plan("Max", 20.0, subscription_id="a")),
        ("subscribe", "2024-02-01", plan("Basic", 9.0, subscription_id="a")),
        ("plan_change", "2024-03-01", plan("Mini", 5.0, subscription_id="b")),
    )

    assert not any(moves.values())


def test_lines_of_one_basket_are_one_purchase_at_its_first_line():
    history = history_of(
        ("ann", "payment", "2024-01-01", {"amount": 2.5, "basket_id": "x"}),
        ("ann", "payment", "2024-01-02", {"amount": 4.0}),
        ("ann", "payment", "2024-01-03", {"amount": 1.25, "basket_id": "x"}),
        ("ann", "payment", "2024-01-04", {"amount": 4.0}),
        ("bob", "payment", "2024-01-01", {"amount": 9.0, "basket_id": "x"}),
    )

    rows, cents = purchases(history)
    repeats, repeat_cents = repeat_purchases(history)

    assert rows.tolist() == [0, 1, 3, 4]
    assert cents.tolist() == [375, 400, 400, 900]
    assert repeats.tolist() == [1, 3]
    assert repeat_cents.tolist() == [400, 400]


def test_a_kind_can_be_narrowed_to_a_label():
    history = history_of(
        ("ann", "support", "2024-01-01", {"label": "high"}),
        ("ann", "support", "2024-01-02"),
        ("ann", "usage", "2024-01-03", {"label": "high", "amount": 1.0}),
    )

    happenings = Happenings(history, NO_REFERENCES)

    assert happenings.found("support")[0].tolist() == [0, 1]
    assert happenings.found("support:high")[0].tolist() == [0]
    assert happenings.found("support:unheard of")[0].tolist() == []


def test_nothing_happened_in_an_empty_history():
    history = history_of()

    assert [len(found) for found in purchases(history)] == [0, 0]
    assert [len(found) for found in repeat_purchases(history)] == [0, 0]
    assert not any(np.any(is_move(plan_moves(history))) for is_move in MOVES.values())


def test_no_charge_by_list_price_is_a_pause_and_neither_it_nor_its_end_a_repricing():
    moves = moves_of(
        ("subscribe", "2024-01-01", plan("Max", 20.0)),
        ("plan_change", "2024-02-01", plan("Max", 0.0)),
        ("plan_change", "2024-03-01", plan("Max", 22.0)),
        ("plan_change", "2024-04-01", plan("Max", 0.0, list_amount=22.0)),
    )

    assert moves["pause"] == [1]
    assert moves["repricing"] == []
    assert moves["discount_begun"] == [3]


def test_a_price_rises_or_is_cut_within_the_plan():
    moves = moves_of(
        ("subscribe", "2024-01-01", plan("Max", 20.0)),
        ("renew", "2024-02-01", plan("Max", 22.0)),
        ("renew", "2024-03-01", plan("Max", 18.5)),
    )

    assert moves["price_rise"] == [1]
    assert moves["price_cut"] == [2]
    assert moves["repricing"] == [1, 2]


def test_the_value_of_a_move_is_the_change_of_the_list_price():
    history = history_of(
        ("ann", "subscribe", "2024-01-01", plan("Max", 20.0)),
        ("ann", "plan_change", "2024-02-01", plan("Basic", 5.0, list_amount=9.0)),
        ("ann", "plan_change", "2024-03-01", plan("Max", 24.0)),
    )

    assert found(history, "downgrade") == [(1, 1100)]
    assert found(history, "upgrade") == [(2, 1500)]


def test_a_downgrade_to_the_cheapest_plan_on_the_ladder_is_one_to_the_floor():
    history = history_of(
        ("ann", "subscribe", "2024-01-01", plan("Max", 20.0)),
        ("ann", "plan_change", "2024-02-01", plan("Basic", 9.0)),
        ("ann", "plan_change", "2024-03-01", plan("Mini", 5.0)),
    )

    ladder = References(ladder={"Max": 2200, "Basic": 900, "Mini": 500})

    assert found(history, "downgrade_to_floor", ladder) == [(2, 400)]
    assert found(history, "downgrade_to_floor", NO_REFERENCES) == []


def test_gaps_between_purchases_are_whole_hours_by_their_first_lines():
    history = history_of(
        ("ann", "payment", "2024-01-01T00:00:00", {"amount": 1.0, "basket_id": "x"}),
        ("ann", "payment", "2024-01-02T01:59:59", {"amount": 1.0}),
        ("ann", "payment", "2024-01-02T02:00:00", {"amount": 1.0, "basket_id": "x"}),
        ("bob", "payment", "2024-01-05T00:00:00", {"amount": 1.0}),
    )

    assert found(history, "purchase_gap") == [(1, 25)]


def test_a_failed_payment_is_made_good_by_the_payment_right_after_it():
    history = history_of(
        ("ann", "payment_failed", "2024-01-01", {"amount": 9.0}),
        ("ann", "payment_failed", "2024-01-02", {"amount": 9.0}),
        ("ann", "usage", "2024-01-02", {"amount": 1.0}),
        ("ann", "payment", "2024-01-03", {"amount": 9.0}),
        ("ann", "payment", "2024-02-03", {"amount": 9.0}),
        ("bob", "payment_failed", "2024-02-04", {"amount": 9.0}),
        ("cem", "payment", "2024-02-05", {"amount": 9.0}),
    )

    assert found(history, "failure_recovered") == [(1, 900)]


@pytest.mark.parametrize(
    ("happening", "scale"),
    [("payment", 100), ("downgrade", 100), ("purchase_gap", 24), ("usage:minutes", 1000)],
)
def test_values_are_integers_of_a_small_unit(happening, scale):
    assert scale_of(happening, 100) == scale
