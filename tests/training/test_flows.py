"""Realised margin by hand: what counts as revenue, at which share, and what it costs to serve."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.history import History
from features.mistakes import ConfigurationError
from features.months import NEVER, month_edges
from features.timeline import timeline_of
from tests.features.histories import history_of
from tests.training.worlds import at, operator_business, shop_business
from training.business import Business
from training.flows import event_flows, subscription_margin

JANUARY = at("2024-01-01")


def _events(history: History, business: Business, n_months: int = 3) -> list[float]:
    edges = month_edges(JANUARY, n_months, "calendar")
    until = np.full(history.n_customers, NEVER)
    months = event_flows(history, business).by_month(history, edges, until)
    return [round(float(margin), 9) for margin in months[0]]


def _recurring(history: History, business: Business, until: str | None = None) -> list[float]:
    edges = month_edges(JANUARY, 3, business.month)
    ends = np.full(history.n_customers, NEVER if until is None else at(until))
    margin = subscription_margin(history, timeline_of(history, business), business, edges, ends)
    return [round(float(value), 9) for value in margin[0]]


def _ann(*events: tuple[str, str, dict[str, Any]]) -> History:
    return history_of(*[("ann", *event) for event in events])


PURCHASES = _ann(
    ("payment", "2024-01-05", {"amount": 30.0, "label": "books"}),
    ("payment", "2024-01-06", {"amount": 20.0, "label": "music"}),
    ("refund", "2024-02-05", {"amount": 10.0, "label": "books"}),
    ("payment", "2024-03-05", {"amount": 8.0}),
)


def test_payments_less_refunds_earn_their_gross_margin() -> None:
    assert _events(PURCHASES, shop_business(gross_margin=0.5)) == [25.0, -5.0, 4.0]


def test_each_label_has_its_own_margin_and_the_rest_the_default() -> None:
    shares = {"books": 0.4, "music": 0.1, "default": 0.25}

    assert _events(PURCHASES, shop_business(gross_margin=shares)) == [14.0, -4.0, 2.0]


def test_a_label_of_unknown_margin_is_named() -> None:
    business = shop_business(gross_margin={"books": 0.4})

    with pytest.raises(ConfigurationError, match=r"gross_margin is a table without None, music"):
        _events(PURCHASES, business)


def test_payments_of_a_subscription_are_cash_unless_their_label_is_extra_revenue() -> None:
    assert _events(PURCHASES, operator_business()) == [0.0, 0.0, 0.0]
    assert _events(PURCHASES, operator_business(extra_revenue=["books"])) == [30.0, -10.0, 0.0]


def test_a_cost_is_taken_off_whole() -> None:
    history = _ann(("cost", "2024-02-10", {"amount": 7.5, "label": "shipment"}))

    assert _events(history, shop_business(gross_margin=0.4)) == [0.0, -7.5, 0.0]


def test_a_cost_to_serve_of_a_label_replaces_that_of_its_kind() -> None:
    history = _ann(
        ("support", "2024-01-10", {"label": "high"}),
        ("support", "2024-02-10", {"label": "low"}),
        ("support", "2024-03-10", {}),
    )
    costs = {"support": 4.0, "support:high": 12.0, "support:never_seen": 99.0}

    assert _events(history, operator_business(cost_to_serve=costs)) == [-12.0, -4.0, -4.0]


def test_what_happens_exactly_at_an_edge_belongs_to_the_month_after() -> None:
    history = _ann(
        ("cost", "2024-01-01", {"amount": 1.0}),
        ("cost", "2024-02-01", {"amount": 2.0}),
        ("cost", "2024-04-01", {"amount": 4.0}),
    )

    assert _events(history, operator_business()) == [-1.0, -2.0, 0.0]


def test_mrr_accrues_by_the_day_while_the_plan_is_open() -> None:
    history = _ann(
        ("subscribe", "2024-01-01", {"amount": 31.0}),
        ("plan_change", "2024-01-11", {"amount": 62.0}),
        ("cancel", "2024-02-15", {}),
    )

    # 10 days at 31 and 21 at 62 of 31; then 14 days at 62 of 29.
    assert _recurring(history, operator_business()) == [52.0, round(62 * 14 / 29, 9), 0.0]


def test_each_plan_earns_its_own_margin() -> None:
    history = _ann(
        ("subscribe", "2024-01-01", {"amount": 20.0, "label": "Basic"}),
        ("plan_change", "2024-02-01", {"amount": 50.0, "label": "Max"}),
    )
    business = operator_business(gross_margin={"Basic": 0.5, "Max": 0.2})

    assert _recurring(history, business) == [10.0, 10.0, 10.0]


def test_the_cost_to_serve_is_by_time_and_once_a_customer() -> None:
    history = _ann(
        ("subscribe", "2024-01-01", {"amount": 10.0, "subscription_id": "a"}),
        ("subscribe", "2024-01-01", {"amount": 10.0, "subscription_id": "b"}),
        ("cancel", "2024-02-01", {"subscription_id": "b"}),
    )
    business = operator_business(cost_to_serve={"per_month": 4.0})

    assert _recurring(history, business) == [16.0, 6.0, 6.0]
    assert _recurring(history, business, until="2024-01-01") == [0.0, 0.0, 0.0]


def test_where_payments_are_revenue_the_plan_brings_nothing_and_is_served() -> None:
    history = _ann(("subscribe", "2024-01-01", {"amount": 10.0}))
    business = operator_business(revenue="payments", cost_to_serve={"per_month": 4.0})

    assert _recurring(history, business) == [-4.0, -4.0, -4.0]


@given(cents=st.lists(st.tuples(st.integers(0, 89), st.integers(0, 10**6)), max_size=20))
def test_months_add_up_to_all_that_was_paid(cents: list[tuple[int, int]]) -> None:
    day = np.datetime64("2024-01-01")
    rows = [("payment", str(day + after), {"amount": money / 100}) for after, money in cents]
    history = _ann(("support", "2024-01-01", {}), *rows)

    total = sum(_events(history, shop_business()))

    assert total == pytest.approx(sum(money for _, money in cents) / 100, abs=1e-6)
