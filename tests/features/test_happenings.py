import pytest

from features.happenings import Happenings, purchases, repeat_purchases, scale_of
from features.plan_moves import NO_MOVES
from features.references import NO_REFERENCES
from tests.features.histories import history_of


def found(history, name):
    rows, values = Happenings(history, NO_MOVES, NO_REFERENCES).found(name)
    return list(zip(rows.tolist(), values.tolist(), strict=True))


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

    happenings = Happenings(history, NO_MOVES, NO_REFERENCES)

    assert happenings.found("support")[0].tolist() == [0, 1]
    assert happenings.found("support:high")[0].tolist() == [0]
    assert happenings.found("support:unheard of")[0].tolist() == []


def test_nothing_happened_in_an_empty_history():
    history = history_of()

    assert [len(found) for found in purchases(history)] == [0, 0]
    assert [len(found) for found in repeat_purchases(history)] == [0, 0]


def test_gaps_between_purchases_are_whole_minutes_by_their_first_lines():
    history = history_of(
        ("ann", "payment", "2024-01-01T00:00:00", {"amount": 1.0, "basket_id": "x"}),
        ("ann", "payment", "2024-01-02T01:59:59", {"amount": 1.0}),
        ("ann", "payment", "2024-01-02T02:00:00", {"amount": 1.0, "basket_id": "x"}),
        ("bob", "payment", "2024-01-05T00:00:00", {"amount": 1.0}),
    )

    assert found(history, "purchase_gap") == [(1, 25 * 60 + 59)]


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
    [
        ("payment", 100),
        ("downgrade", 100),
        ("purchase_gap", 24 * 60),
        ("review", 1000),
        ("usage:minutes", 1000),
        ("usage:gigabytes", 10**6),
        ("payment:gigabytes", 100),
    ],
)
def test_values_are_integers_of_a_small_unit(happening, scale):
    assert scale_of(happening, 100, {"gigabytes": 10**6}) == scale


def test_usage_without_a_metric_has_no_unit():
    with pytest.raises(ValueError, match='name one, as in "usage:minutes"'):
        scale_of("usage", 100, {})
