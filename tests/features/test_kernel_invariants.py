"""What must hold of every history: the future, the order and the company change no signal."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import signal_matrix
from features.history import history_from_events
from features.instants import instant_of
from features.kernel import Moment
from features.log import EVENT_SCHEMA
from features.months import DAY
from features.profiles import unknown_profiles
from features.references import References
from tests.features.histories import at, history_of
from tests.features.sql_form.worlds import whole_catalogue
from tests.features.strategies import AS_OF, CUSTOMERS, METRICS, ROLLS, RULES, histories

SIGNALS = whole_catalogue()
REFERENCES = References({"Basic": 999, "Max": 2000}, {"Basic": 2.5}, {"2023-04": 999}, 2000)


def matrix_of(events, as_of, rules, customers=CUSTOMERS):
    table = pa.Table.from_pylist(events, schema=EVENT_SCHEMA)
    history = history_from_events(table, 100, customers)
    return matrix_of_history(history, instant_of(as_of), rules)


def matrix_of_history(history, as_of, rules):
    profiles = unknown_profiles(history.n_customers)
    return signal_matrix(Moment(history, profiles, as_of, rules, REFERENCES), SIGNALS)


def of_customers(events, customers):
    return [event for event in events if event["customer_id"] in customers]


def is_future(event, as_of):
    return max(event["occurred_at"], event["recorded_at"]) >= as_of


@settings(max_examples=150)
@given(histories(), histories(), AS_OF, RULES)
def test_what_became_known_at_as_of_or_later_changes_nothing(events, others, as_of, rules):
    later = [
        event | {"event_id": f"a{event['event_id']}"} for event in others if is_future(event, as_of)
    ]

    np.testing.assert_array_equal(
        matrix_of([*later, *events], as_of, rules), matrix_of(events, as_of, rules)
    )


@settings(max_examples=150)
@given(histories(), AS_OF, RULES)
def test_only_what_was_visible_counts(events, as_of, rules):
    visible = [event for event in events if not is_future(event, as_of)]

    np.testing.assert_array_equal(matrix_of(visible, as_of, rules), matrix_of(events, as_of, rules))


@settings(max_examples=150)
@given(histories(), AS_OF, RULES, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(events, as_of, rules, random):
    shuffled = random.sample(events, len(events))

    np.testing.assert_array_equal(
        matrix_of(shuffled, as_of, rules), matrix_of(events, as_of, rules)
    )


@settings(max_examples=150)
@given(histories(), AS_OF, RULES)
def test_a_customer_alone_equals_the_customer_in_company(events, as_of, rules):
    alone = [matrix_of(of_customers(events, (who,)), as_of, rules, (who,)) for who in CUSTOMERS]

    np.testing.assert_array_equal(np.concatenate(alone), matrix_of(events, as_of, rules))


@settings(max_examples=100)
@given(histories(), AS_OF, RULES, st.lists(st.integers(0, 2), unique=True).map(sorted))
def test_a_part_of_a_block_equals_the_block(events, as_of, rules, part):
    history = history_from_events(pa.Table.from_pylist(events, EVENT_SCHEMA), 100, CUSTOMERS)
    kept, instant = np.array(part, dtype=np.int64), instant_of(as_of)

    np.testing.assert_array_equal(
        matrix_of_history(history.customers(kept), instant, rules),
        matrix_of_history(history, instant, rules)[kept],
    )


@settings(max_examples=60)
@given(histories(), RULES)
def test_a_block_gives_the_same_at_one_instant_after_another(events, rules):
    history = history_from_events(pa.Table.from_pylist(events, EVENT_SCHEMA), 100, CUSTOMERS)
    instants = [at("2023-06-01"), at("2024-03-31"), at("2023-06-01")]

    first, _, again = (matrix_of_history(history, instant, rules) for instant in instants)

    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("kind", ["usage", "support", "payment"])
def test_one_event_is_enough_and_the_rest_is_missing_or_nothing(kind):
    history = history_of(("ann", kind, "2024-01-01", {"amount": 1.0}))

    matrix = matrix_of_history(history, at("2024-01-11"), ROLLS)

    found = dict(zip([signal.name for signal in SIGNALS], matrix[0].tolist(), strict=True))
    since = {"usage": "usage", "support": "support", "payment": "purchase"}[kind]
    assert found[f"days_since_{since}"] == 10
    assert [name for name, value in found.items() if value < 0] == []


def test_a_hundred_thousand_events_of_one_customer_add_up():
    n_events = 100_000
    columns = dict.fromkeys(EVENT_SCHEMA.names, pa.nulls(n_events))
    instants = at("2024-01-01") + np.arange(n_events) * (DAY // 100)
    columns |= {
        "event_id": pa.array([f"{number:06d}" for number in range(n_events)]),
        "customer_id": pa.array(["ann"] * n_events),
        "kind": pa.array(["usage"] * n_events),
        "label": pa.array([METRICS[number % 2] for number in range(n_events)]),
        "occurred_at": pa.array(instants).cast(pa.timestamp("us", "UTC")),
        "recorded_at": pa.array(instants).cast(pa.timestamp("us", "UTC")),
        "amount": pa.array(np.full(n_events, 0.1)),
    }
    table = pa.table(columns).cast(EVENT_SCHEMA)

    # 100 events a day for 1,000 days: as_of is the end of the last day.
    history = history_from_events(table, 100)
    matrix = matrix_of_history(history, at("2024-01-01") + 1000 * DAY, ROLLS)

    found = dict(zip([signal.name for signal in SIGNALS], matrix[0].tolist(), strict=True))
    assert found["usage_events_30d"] == 3000
    assert found["usage_days_90d"] == 90
    assert found["minutes_30d"] == 150.0
    assert found["usage_metrics_30d"] == 2
    assert found["usage_trend_30d"] == 1
