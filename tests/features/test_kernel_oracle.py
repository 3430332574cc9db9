"""The kernel beside a slow computation in plain Python, on random histories, bit for bit."""

import math
from datetime import UTC, datetime

import pyarrow as pa
from hypothesis import HealthCheck, given, settings

from features.catalogue import Vocabulary, catalogue, signal_matrix
from features.history import history_from_events
from features.instants import instant_of
from features.kernel import Moment
from features.log import EVENT_SCHEMA
from features.profiles import profiles_of
from tests.features.oracle import signals_of_customer
from tests.features.strategies import AS_OF, CUSTOMERS, METRICS, ROLLS, RULES, histories

VOCABULARY = Vocabulary(METRICS, {"country": ("AT", "DE"), "age": None})
SIGNALS = tuple(
    dict.fromkeys(
        signal
        for contract in ("subscription", "transactional")
        for signal in catalogue(contract, VOCABULARY)
    )
)
FACTS = {
    "ann": {"country": "AT", "age": 41, "acquired_at": datetime(2022, 11, 30, 8, tzinfo=UTC)},
    "bob": {"country": None, "age": None, "acquired_at": datetime(2023, 5, 31, tzinfo=UTC)},
}
CUSTOMERS_TABLE = pa.Table.from_pylist(
    [{"customer_id": customer_id, **facts} for customer_id, facts in FACTS.items()]
)


def signals_by_kernel(events, as_of, rules):
    table = pa.Table.from_pylist(events, schema=EVENT_SCHEMA)
    history = history_from_events(table, 100, CUSTOMERS)
    profiles = profiles_of(CUSTOMERS_TABLE, CUSTOMERS, list(VOCABULARY.levels))
    matrix = signal_matrix(Moment(history, profiles, instant_of(as_of), rules), SIGNALS)
    names = [signal.name for signal in SIGNALS]
    rows = zip(CUSTOMERS, matrix.tolist(), strict=True)
    return {who: dict(zip(names, row, strict=True)) for who, row in rows}


def signals_by_oracle(events, as_of, rules):
    return {
        who: signals_of_customer(
            [event for event in events if event["customer_id"] == who],
            as_of,
            rules,
            FACTS.get(who, {}),
            VOCABULARY,
        )
        for who in CUSTOMERS
    }


def differences(found, expected):
    """Return what differs by (customer, signal); NaN equals NaN, and absent means NaN."""
    pairs = {
        (who, name): (value, float(expected[who].get(name, math.nan)))
        for who, values in found.items()
        for name, value in values.items()
    }
    return {key: pair for key, pair in pairs.items() if repr(pair[0]) != repr(pair[1])}


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(max_size=40), AS_OF, RULES)
def test_every_signal_equals_the_slow_computation(events, as_of, rules):
    found, expected = (
        signals(events, as_of, rules) for signals in (signals_by_kernel, signals_by_oracle)
    )

    assert differences(found, expected) == {}


def test_the_slow_computation_knows_every_signal():
    plan = {"kind": "subscribe", "amount": 9.99, "label": "Basic", "term_months": 12}
    began = datetime(2024, 1, 1, tzinfo=UTC)
    event = dict.fromkeys(EVENT_SCHEMA.names) | plan | {"event_id": "1", "customer_id": "ann"}
    events = [event | {"occurred_at": began, "recorded_at": began}]

    known = signals_by_oracle(events, datetime(2024, 2, 1, tzinfo=UTC), ROLLS)["ann"]

    assert set(known) == {signal.name for signal in SIGNALS}
