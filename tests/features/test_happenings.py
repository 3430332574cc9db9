import numpy as np

from features.happenings import MOVES, plan_moves, purchases, repeat_purchases, rows_of_kind
from tests.features.histories import history_of


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

    assert rows_of_kind(history, "support").tolist() == [0, 1]
    assert rows_of_kind(history, "support:high").tolist() == [0]
    assert rows_of_kind(history, "support:unheard of").tolist() == []


def test_nothing_happened_in_an_empty_history():
    history = history_of()

    assert [len(found) for found in purchases(history)] == [0, 0]
    assert [len(found) for found in repeat_purchases(history)] == [0, 0]
    assert not any(np.any(is_move(plan_moves(history))) for is_move in MOVES.values())
