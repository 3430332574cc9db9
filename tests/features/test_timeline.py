from datetime import UTC, datetime

import numpy as np
import pytest

from features.instants import instant_of
from features.months import NEVER, month_edges
from features.rules import CustomerRules
from features.timeline import timeline_of
from tests.features.histories import at, history_of

ROLLS = CustomerRules(contract="subscription", currency="EUR")
LAPSES = ROLLS.model_copy(update={"term_end": "lapses"})


def test_a_subscription_is_open_from_its_start_until_its_cancellation_takes_effect():
    history = history_of(
        ("ann", "subscribe", "2024-01-10", {"amount": 20.0, "label": "Max"}),
        ("ann", "cancel", "2024-02-01", {"effective_at": "2024-03-01"}),
    )

    timeline = timeline_of(history, ROLLS)

    assert [int(timeline.open_at(at(day))[0]) for day in ("2024-01-09", "2024-01-10")] == [0, 1]
    assert [int(timeline.open_at(at(day))[0]) for day in ("2024-02-29", "2024-03-01")] == [1, 0]
    assert timeline.mrr_at(at("2024-02-15")).tolist() == [2000]


def test_a_withdrawn_cancellation_never_was():
    history = history_of(
        ("ann", "subscribe", "2024-01-10", {"amount": 20.0}),
        ("ann", "cancel", "2024-02-01", {"effective_at": "2024-03-01"}),
        ("ann", "cancel_withdrawn", "2024-02-20"),
    )

    assert timeline_of(history, ROLLS).spell_at(at("2024-06-01"))[1].tolist() == [NEVER]


def test_a_withdrawal_after_the_end_comes_too_late():
    history = history_of(
        ("ann", "subscribe", "2024-01-10", {"amount": 20.0}),
        ("ann", "cancel", "2024-02-01"),
        ("ann", "cancel_withdrawn", "2024-02-20"),
    )

    assert timeline_of(history, ROLLS).open_at(at("2024-02-21")).tolist() == [0]


def test_a_change_booked_before_a_cancellation_does_not_reopen_the_subscription():
    history = history_of(
        ("ann", "subscribe", "2024-01-01", {"amount": 20.0}),
        ("ann", "plan_change", "2024-01-05", {"amount": 9.0, "effective_at": "2024-06-01"}),
        ("ann", "cancel", "2024-02-01", {"effective_at": "2024-03-01"}),
    )

    assert timeline_of(history, ROLLS).open_at(at("2024-07-01")).tolist() == [0]


def test_a_subscription_cancelled_before_it_begins_never_was():
    history = history_of(
        ("ann", "subscribe", "2024-01-01", {"amount": 20.0, "effective_at": "2024-02-01"}),
        ("ann", "cancel", "2024-01-10"),
        ("bob", "subscribe", "2023-01-01", {"amount": 20.0}),
        ("bob", "subscribe", "2024-01-01", {"amount": 10.0, "effective_at": "2024-03-01"}),
        ("bob", "cancel", "2024-01-10", {"effective_at": "2024-01-31"}),
        ("cid", "cancel", "2024-01-10"),
        ("cid", "subscribe", "2024-01-20", {"amount": 20.0, "effective_at": "2024-02-01"}),
    )
    timeline = timeline_of(history, ROLLS)

    assert timeline.open_at(at("2024-01-15")).tolist() == [0, 1, 0]
    assert timeline.open_at(at("2024-02-15")).tolist() == [0, 0, 1], "bob's ended the one he had"
    assert timeline.mrr_at(at("2024-03-15")).tolist() == [0, 1000, 2000]


def test_mrr_is_the_sum_over_open_subscriptions_and_the_last_end_is_the_exit():
    history = history_of(
        ("ann", "subscribe", "2024-01-01", {"amount": 20.0, "subscription_id": "a"}),
        ("ann", "subscribe", "2024-02-01", {"amount": 5.0, "subscription_id": "b"}),
        ("ann", "cancel", "2024-03-01", {"subscription_id": "a"}),
        ("ann", "cancel", "2024-04-01", {"subscription_id": "b"}),
    )
    timeline = timeline_of(history, ROLLS)

    assert [int(timeline.mrr_at(at(f"2024-0{month}-15"))[0]) for month in (1, 2, 3, 4)] == [
        2000,
        2500,
        500,
        0,
    ]
    assert timeline.spell_at(at("2024-02-15"))[1].tolist() == [at("2024-04-01")]


def test_a_term_that_nobody_renewed_ends_where_terms_lapse():
    history = history_of(
        ("ann", "subscribe", "2024-01-31", {"amount": 20.0, "term_months": 1}),
        ("bob", "subscribe", "2024-01-31", {"amount": 20.0, "term_months": 1}),
        ("bob", "renew", "2024-02-28", {"amount": 20.0, "term_months": 1}),
    )

    ends = timeline_of(history, LAPSES).spell_at(at("2024-02-10"))[1]

    assert ends.tolist() == [at("2024-02-29"), at("2024-03-28")]
    assert timeline_of(history, ROLLS).open_at(at("2030-01-01")).tolist() == [1, 1]


@pytest.mark.parametrize(("gap_end", "is_joined"), [("2024-03-02", True), ("2024-03-03", False)])
def test_a_return_within_the_grace_joins_the_spells(gap_end, is_joined):
    history = history_of(
        ("ann", "subscribe", "2024-01-01", {"amount": 20.0}),
        ("ann", "cancel", "2024-02-01"),
        ("ann", "subscribe", gap_end, {"amount": 20.0}),
    )

    end = timeline_of(history, ROLLS).spell_at(at("2024-01-15"))[1]

    assert end.tolist() == [NEVER if is_joined else at("2024-02-01")]


def test_mrr_accrues_by_the_share_of_the_month_it_was_in_force():
    history = history_of(
        ("ann", "subscribe", "2024-04-01", {"amount": 30.0}),
        ("ann", "plan_change", "2024-04-16", {"amount": 10.0}),
        ("ann", "cancel", "2024-05-01"),
    )
    edges = month_edges(instant_of(datetime(2024, 4, 1, tzinfo=UTC)), 2, "calendar")
    timeline = timeline_of(history, ROLLS)

    accrued = timeline.accrued(edges, timeline.intervals.mrr, np.array([NEVER]))
    np.testing.assert_allclose(accrued, [[2000.0, 0.0]])
    np.testing.assert_allclose(timeline.open_share(edges, np.array([NEVER])), [[1.0, 0.0]])


def test_what_names_no_subscription_is_of_the_one_named_last_before():
    history = history_of(
        ("ann", "subscribe", "2024-01-01", {"amount": 20.0, "subscription_id": "a"}),
        ("ann", "cancel", "2024-03-01"),
        ("bob", "plan_change", "2024-01-01", {"amount": 20.0}),
        ("bob", "renew", "2024-02-01", {"amount": 20.0, "subscription_id": "a"}),
        ("bob", "cancel", "2024-03-01", {"subscription_id": "a"}),
        ("cem", "subscribe", "2024-01-01", {"amount": 20.0, "subscription_id": "a"}),
        ("cem", "subscribe", "2024-01-01", {"amount": 5.0}),
        ("cem", "cancel", "2024-03-01"),
    )

    assert timeline_of(history, ROLLS).open_at(at("2024-03-01")).tolist() == [0, 0, 1]


def test_a_later_subscription_does_not_move_what_named_none_before_it():
    first = (
        ("ann", "subscribe", "2023-01-01", {"amount": 10.0, "subscription_id": "a"}),
        ("ann", "plan_change", "2023-03-01", {"amount": 12.0}),
        ("ann", "cancel", "2023-05-01"),
    )
    back = ("ann", "subscribe", "2023-12-01", {"amount": 5.0, "subscription_id": "b"})
    timeline = timeline_of(history_of(*first, back, ("ann", "cancel", "2024-02-01")), ROLLS)

    days = ("2023-04-01", "2023-05-01", "2023-12-01", "2024-02-01")
    assert [int(timeline.mrr_at(at(day))[0]) for day in days] == [1200, 0, 500, 0]


def test_a_block_without_subscriptions_has_nothing_open():
    history = history_of(("ann", "usage", "2024-04-01", {"amount": 3.0}))
    timeline = timeline_of(history, ROLLS)

    assert timeline.open_at(at("2024-05-01")).tolist() == [0]
    edges = month_edges(at("2024-05-01"), 2, "calendar")
    assert timeline.open_share(edges, np.array([NEVER])).tolist() == [[0.0, 0.0]]
    assert timeline.spell_at(at("2024-05-01"))[0].tolist() == [NEVER]
