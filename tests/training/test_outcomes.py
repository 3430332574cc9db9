"""Outcomes by month ahead: exits, purchases and margin, at the edges above all."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from features.history import History, history_from_events
from features.log import EVENT_SCHEMA
from features.months import NEVER, month_edges
from features.timeline import timeline_of
from tests.features.histories import history_of
from tests.features.strategies import histories
from tests.training.worlds import at, operator_business, shop_business
from training.business import Business
from training.flows import event_flows, subscription_margin
from training.outcomes import (
    exit_kinds,
    exit_months,
    purchases_by_month,
    realised_shop_margin,
    realised_subscription_margin,
)

Event = tuple[str, str, dict[str, Any]]
EDGES = month_edges(at("2024-01-31"), 3, "calendar")
"""Months that begin on 31 January, 29 February and 31 March, and end on 30 April."""
SUBSCRIBED = ("subscribe", "2023-06-01", {"amount": 29.0})


def _ann(*events: Event) -> History:
    return history_of(*[("ann", *event) for event in events])


def _exit(*events: Event, business: Business | None = None) -> int:
    timeline = timeline_of(_ann(*events), business or operator_business())
    return int(exit_months(timeline, EDGES)[0])


@pytest.mark.parametrize(
    ("cancelled", "month"),
    [
        ("2024-02-01", 1),
        ("2024-02-28T23:59:59", 1),
        ("2024-02-29", 2),  # exactly at the edge: the month after
        ("2024-03-31", 3),
        ("2024-04-29T23:59:59", 3),
        ("2024-04-30", 0),  # outlasted all three
    ],
)
def test_an_exit_falls_into_the_month_that_it_ends(cancelled: str, month: int) -> None:
    assert _exit(SUBSCRIBED, ("cancel", cancelled, {})) == month


def _kind(*events: Event, business: Business | None = None, lapsed: int = 1) -> int:
    history = _ann(*events)
    timeline = timeline_of(history, business or operator_business())
    return int(exit_kinds(history, timeline, int(EDGES[0]), lapsed=lapsed)[0])


@pytest.mark.parametrize(
    ("label", "kind"), [("voluntary", 1), ("involuntary", 2), ("other", 3), (None, 0)]
)
def test_the_kind_of_an_exit_is_the_label_of_its_cancellation(label: str | None, kind: int) -> None:
    assert _kind(SUBSCRIBED, ("cancel", "2024-02-10", {"label": label})) == kind
    notice = {"label": label, "effective_at": "2024-03-10"}
    assert _kind(SUBSCRIBED, ("cancel", "2024-01-20", notice)) == kind


def test_who_stays_has_no_kind_of_exit() -> None:
    assert _kind(SUBSCRIBED) == 0
    given = ("cancel", "2024-01-10", {"label": "voluntary", "effective_at": "2024-03-10"})
    assert _kind(SUBSCRIBED, given, ("cancel_withdrawn", "2024-01-20", {})) == 0


def test_the_last_of_two_subscriptions_says_the_kind() -> None:
    first, second = ({"amount": 9.0, "subscription_id": name} for name in ("a", "b"))
    opened = [("subscribe", "2023-06-01", first), ("subscribe", "2023-07-01", second)]
    ended = [
        ("cancel", "2024-02-10", {"subscription_id": "a", "label": "voluntary"}),
        ("cancel", "2024-03-10", {"subscription_id": "b", "label": "involuntary"}),
    ]

    assert _kind(*opened, *ended) == 2


def test_a_term_that_nobody_renewed_ended_as_the_caller_says() -> None:
    yearly = ("subscribe", "2023-03-05", {"amount": 29.0, "term_months": 12})
    lapses = operator_business(term_end="lapses")

    assert _kind(yearly, business=lapses) == 1
    assert _kind(yearly, business=lapses, lapsed=0) == 0


def test_ending_one_of_two_subscriptions_is_no_exit() -> None:
    first, second = ({"amount": 9.0, "subscription_id": name} for name in ("a", "b"))
    opened = [("subscribe", "2023-06-01", first), ("subscribe", "2023-07-01", second)]
    ended = ("cancel", "2024-02-10", {"subscription_id": "a"})

    assert _exit(*opened, ended) == 0
    assert _exit(*opened, ended, ("cancel", "2024-03-05", {"subscription_id": "b"})) == 2


def test_who_comes_back_within_the_grace_never_left() -> None:
    left: Event = ("cancel", "2024-02-10", {})

    assert _exit(SUBSCRIBED, left, ("subscribe", "2024-03-11", {"amount": 9.0})) == 0
    assert _exit(SUBSCRIBED, left, ("subscribe", "2024-03-12", {"amount": 9.0})) == 1


def test_a_term_nobody_renewed_ends_where_terms_lapse() -> None:
    a_year = ("subscribe", "2023-03-10", {"amount": 9.0, "term_months": 12})

    assert _exit(a_year) == 0
    assert _exit(a_year, business=operator_business(term_end="lapses")) == 2


def test_a_spell_that_turns_out_to_have_been_over_ends_in_the_first_month() -> None:
    assert _exit(SUBSCRIBED, ("cancel", "2024-02-03", {"effective_at": "2024-01-15"})) == 1


def _margin(business: Business, *events: Event) -> list[float]:
    history = _ann(*events)
    timeline, flows = timeline_of(history, business), event_flows(history, business)
    margin = realised_subscription_margin(history, timeline, flows, business, EDGES)
    return [round(float(value), 9) for value in margin[0]]


def test_margin_stops_on_the_day_the_customer_leaves() -> None:
    business = operator_business(cost_to_serve={"per_month": 2.9, "support": 1.0})

    margin = _margin(
        business,
        SUBSCRIBED,
        ("support", "2024-02-05", {}),
        ("cancel", "2024-02-10", {}),
        ("support", "2024-02-11", {}),
    )

    # 10 of the 29 days from 31 January at 29 less 2.9, and one request.
    assert margin == [9.0 - 1.0, 0.0, 0.0]


def test_a_new_spell_is_not_valued() -> None:
    left: Event = ("cancel", "2024-02-29", {})
    back: Event = ("subscribe", "2024-04-01", {"amount": 29.0})

    assert _margin(operator_business(), SUBSCRIBED, left, back) == [29.0, 0.0, 0.0]


def test_a_shop_pays_idle_cost_in_every_month() -> None:
    history = _ann(
        ("payment", "2024-01-30", {"amount": 99.0}),
        ("payment", "2024-02-29", {"amount": 10.0}),
        ("refund", "2024-04-01", {"amount": 4.0}),
    )
    business = shop_business(gross_margin=0.5, cost_to_serve={"per_month": 1.0})

    margin = realised_shop_margin(history, event_flows(history, business), business, EDGES)

    assert margin.tolist() == [[-1.0, 4.0, -3.0]]


def test_lines_of_one_basket_are_one_purchase() -> None:
    history = _ann(
        ("payment", "2024-01-30", {"amount": 1.0}),
        ("payment", "2024-02-01", {"amount": 1.0, "basket_id": "x"}),
        ("payment", "2024-02-01", {"amount": 2.0, "basket_id": "x"}),
        ("payment", "2024-02-29", {"amount": 3.0}),
        ("payment", "2024-04-30", {"amount": 4.0}),
    )

    assert purchases_by_month(history, EDGES).tolist() == [[1, 1, 0]]


@given(histories(max_size=16))  # type: ignore[no-untyped-call]  # untyped strategies
@settings(max_examples=40)
def test_a_long_month_accrues_the_mean_of_the_short_ones_in_it(
    events: list[dict[str, Any]],
) -> None:
    history = history_from_events(pa.Table.from_pylist(events, schema=EVENT_SCHEMA), 100)
    business = operator_business(cost_to_serve={"per_month": 3.0})
    timeline, until = timeline_of(history, business), np.full(history.n_customers, NEVER)

    short, long = (
        subscription_margin(
            history, timeline, business, month_edges(at("2023-05-01"), n_months, days), until
        )
        for n_months, days in ((6, 30.0), (3, 60.0))
    )

    np.testing.assert_allclose(short.reshape(-1, 3, 2).mean(axis=2), long, atol=1e-9)
