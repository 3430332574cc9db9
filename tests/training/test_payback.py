"""Payback from events: realised margin since acquisition, then what is expected."""

from dataclasses import replace

import numpy as np
import pytest

from features.history import History
from features.kernel import Moment
from features.profiles import unknown_profiles
from features.references import NO_REFERENCES
from tests.features.histories import history_of
from tests.training.worlds import at, operator_business, shop_business
from training.business import Business
from training.payback import payback_months

AS_OF = "2024-04-01"
JANUARY = "2024-01-01"
NOTHING_TO_COME = np.zeros((1, 6))


def _payback(
    history: History,
    business: Business,
    cost: float,
    *,
    acquired: str = JANUARY,
    as_of: str = AS_OF,
    to_come: float = 0.0,
    observed_from: str = JANUARY,
) -> float:
    profiles = replace(
        unknown_profiles(1), acquired=np.array([at(acquired)]), acquisition_cost=np.array([cost])
    )
    moment = Moment(history, profiles, at(as_of), business, NO_REFERENCES)
    to_come_by_month = np.full((1, 6), to_come)
    return float(payback_months(moment, business, to_come_by_month, at(observed_from))[0])


def _subscriber(*subscriptions: str) -> History:
    return history_of(
        *[
            ("ann", "subscribe", JANUARY, {"amount": 10.0, "subscription_id": name})
            for name in subscriptions
        ]
    )


def test_margin_already_realised_pays_in_the_month_that_covers_the_cost() -> None:
    half = operator_business(gross_margin=0.5)

    # 5 a month: 5, 10, 15 by the end of January, February, March.
    assert _payback(_subscriber("a"), half, 5.0) == 1
    assert _payback(_subscriber("a"), half, 5.01) == 2
    assert _payback(_subscriber("a"), half, 15.0) == 3
    assert np.isnan(_payback(_subscriber("a"), half, 15.01))


def test_what_is_missing_is_expected_from_the_months_to_come() -> None:
    half = operator_business(gross_margin=0.5)

    # Three months are over on 1 April, the fourth has begun: month 5 is the first to come.
    assert _payback(_subscriber("a"), half, 17.0, to_come=1.0) == 4 + 2
    assert np.isnan(_payback(_subscriber("a"), half, 21.01, to_come=1.0))


def test_two_subscriptions_bring_twice_and_are_served_once() -> None:
    business = operator_business(cost_to_serve={"per_month": 4.0})

    # 2 x 10 - 4 = 16 a month; serving each would leave 12.
    assert _payback(_subscriber("a", "b"), business, 48.0) == 3
    assert np.isnan(_payback(_subscriber("a", "b"), business, 48.01))


def test_costs_and_extra_revenue_count_in_the_month_they_happen() -> None:
    history = history_of(
        ("ann", "subscribe", JANUARY, {"amount": 10.0}),
        ("ann", "cost", "2024-01-15", {"amount": 4.0}),
        ("ann", "payment", "2024-02-15", {"amount": 3.0, "label": "add-on"}),
        ("ann", "payment", "2024-02-16", {"amount": 99.0, "label": "invoice"}),
    )
    business = operator_business(extra_revenue=("add-on",))

    assert _payback(history, business, 6.0) == 1
    assert _payback(history, business, 19.0) == 2


def test_an_unfinished_month_brings_and_costs_its_share() -> None:
    business = operator_business(cost_to_serve={"per_month": 4.0})

    # 15 of the 30 days of April: 3 x 6 + 3 = 21.
    assert _payback(_subscriber("a"), business, 21.0, as_of="2024-04-16") == 4
    assert np.isnan(_payback(_subscriber("a"), business, 21.01, as_of="2024-04-16"))


def test_an_idle_month_of_a_shop_costs_its_share_too() -> None:
    history = history_of(("ann", "payment", JANUARY, {"amount": 30.0}))
    business = shop_business(cost_to_serve={"per_month": 4.0})

    # 30 - 3 x 4 - 2 = 16 by 16 April; one expected unit a month to come.
    assert _payback(history, business, 26.0) == 1
    assert _payback(history, business, 26.01, as_of="2024-04-16", to_come=11.0) == 4 + 1
    assert _payback(history, business, 27.01, as_of="2024-04-16", to_come=11.0) == 4 + 2


def test_what_happened_before_the_customer_was_acquired_does_not_count() -> None:
    history = history_of(
        ("ann", "payment", "2024-01-05", {"amount": 30.0}),
        ("ann", "payment", "2024-02-05", {"amount": 10.0}),
    )

    assert _payback(history, shop_business(), 10.0, acquired="2024-01-20") == 1
    assert np.isnan(_payback(history, shop_business(), 11.0, acquired="2024-01-20"))


def test_without_cost_of_acquisition_or_date_there_is_no_answer() -> None:
    business = operator_business()

    assert np.isnan(_payback(_subscriber("a"), business, np.nan))
    assert np.isnan(_payback(_subscriber("a"), business, 5.0, acquired=AS_OF))
    assert _payback(_subscriber("a"), business, 0.0) == 0


@pytest.mark.parametrize("month", ["calendar", 31.0])
def test_months_run_from_the_day_of_acquisition(month: str | float) -> None:
    business = operator_business(month=month)
    late = history_of(("ann", "subscribe", "2024-01-31", {"amount": 10.0}))

    # A month ends on 29 February by the calendar, after 31 days on 2 March.
    answer = _payback(late, business, 10.0, acquired="2024-01-31", as_of="2024-03-01")

    assert answer == 1 if month == "calendar" else np.isnan(answer)


def test_a_customer_acquired_before_observation_has_no_payback_month() -> None:
    business = operator_business()

    assert _payback(_subscriber("a"), business, 5.0, observed_from=JANUARY) == 1
    assert np.isnan(_payback(_subscriber("a"), business, 5.0, observed_from="2024-01-02"))
