"""Hard histories by hand: the kernel, the SQL form and a calendar agree to the last bit."""

from random import Random

import numpy as np
import pyarrow as pa

from features.contract import KINDS
from features.log import EVENT_SCHEMA
from features.months import DAY
from features.references import References
from tests.features.histories import at, events_of
from tests.features.sql_form.parity import differences, kernel_matrices
from tests.features.sql_form.worlds import business_of, form_of
from tests.features.strategies import METRICS, ROLLS

KNOWN = References({"Basic": 999, "Max": 2000}, {"Basic": 300.0}, {"2024-02": 999}, 2000)
BASIC = {"amount": 9.99, "label": "Basic", "term_months": 12}


def signals_of_all(events, as_of):
    """Return the signals by customer, after a look that SQL gives the same."""
    business = business_of(ROLLS)
    assert differences(business, form_of(ROLLS), events, {as_of: KNOWN}) == []
    customer_ids = sorted(set(events.column("customer_id").to_pylist()))
    ((_, matrix),) = kernel_matrices(business, events, customer_ids, {as_of: KNOWN})
    names = [signal.name for signal in business.signals]
    rows = zip(customer_ids, matrix.tolist(), strict=True)
    return {who: dict(zip(names, row, strict=True)) for who, row in rows}


def signals_of_one(events, as_of):
    (found,) = signals_of_all(events, as_of).values()
    return found


def test_one_event_of_any_kind_is_a_history():
    more = {"amount": 1.0, "label": "high"}
    events = events_of(*[(kind.name, kind.name, "2024-01-01", more) for kind in KINDS])
    begun = {"subscribe", "plan_change", "renew"}

    before, after = (signals_of_all(events, at("2024-01-01") + late) for late in (0, 1))

    assert {found["support_30d"] for found in before.values()} == {0}
    assert {who for who, found in after.items() if found["open_subscriptions"] == 1} == begun
    assert after["support"]["days_since_support"] == 1 / DAY


def test_a_year_from_leap_day_is_over_on_the_28th():
    events = events_of(("ann", "subscribe", "2024-02-29", BASIC))

    a_day_early = signals_of_one(events, at("2025-02-27"))
    on_the_day = signals_of_one(events, at("2025-02-28"))
    in_a_leap_year = signals_of_one(events, at("2028-02-28"))

    assert (a_day_early["tenure_months"], a_day_early["months_to_renewal"]) == (11, 1)
    assert (on_the_day["tenure_months"], on_the_day["months_to_renewal"]) == (12, 1)
    assert (in_a_leap_year["tenure_months"], in_a_leap_year["months_to_renewal"]) == (47, 1)


def test_a_window_across_leap_day_has_its_days():
    days = ["2024-02-28T12:00", "2024-02-29T12:00", "2024-03-01T12:00"]
    events = events_of(*[("ann", "usage", day, {"amount": 1.0}) for day in days])

    # Seven days before 12:00 on 7 March are 12:00 on 29 February, which is still inside.
    found = signals_of_one(events, at("2024-03-07T12:00"))

    assert (found["usage_events_7d"], found["usage_days_7d"]) == (2, 2)
    assert found["days_since_first_usage"] == 8


def test_of_two_events_at_one_instant_the_later_id_has_the_last_word():
    events = events_of(
        ("ann", "subscribe", "2024-01-01", BASIC),
        ("ann", "plan_change", "2024-01-10", {"amount": 20.0, "label": "Max"}),
        ("ann", "plan_change", "2024-01-10", {"amount": 9.99, "label": "Basic"}),
    )

    found = signals_of_one(events, at("2024-01-11"))

    # The first was never in force, so that nothing moved.
    assert (found["mrr"], found["upgrades"], found["downgrades"]) == (9.99, 0, 0)


def test_a_hundred_thousand_events_of_one_customer_equal_sql():
    n_events = 100_000
    rng = np.random.default_rng(3)
    instants = at("2022-01-01") + rng.integers(0, 700, n_events) * DAY
    occurred = pa.array(instants).cast(pa.timestamp("us", "UTC"))
    late = pa.array(instants + rng.integers(0, 2, n_events)).cast(pa.timestamp("us", "UTC"))
    kinds = Random(3).choices(("usage", "payment", "support", "payment_failed"), k=n_events)
    columns = dict.fromkeys(EVENT_SCHEMA.names, pa.nulls(n_events)) | {
        "event_id": [f"{number:06d}" for number in rng.permutation(n_events)],
        "customer_id": ["ann"] * n_events,
        "kind": kinds,
        "label": Random(4).choices((*METRICS, None, "high"), k=n_events),
        "basket_id": Random(5).choices((None, "b1", "b2"), k=n_events),
        "occurred_at": occurred,
        "recorded_at": late,
        "amount": rng.integers(0, 10_000, n_events) / 100,
    }
    events = pa.table(columns).cast(EVENT_SCHEMA)

    found = signals_of_one(events, at("2023-12-02"))

    assert found["days_since_first_usage"] == 700
    assert found["usage_days_180d"] == 180
