"""The rules of the contract, judged in SQL and in Python."""

import math
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.contract import EVENT_COLUMNS, KIND_CODES
from features.ingest.checks import event_checks, faults_of
from features.ingest.checks_sql import faults_sql, is_faulty_sql
from features.log import arrow_schema

AT = datetime(2024, 1, 1, tzinfo=UTC)
CHECKS = event_checks({"gigabytes {raw}": 1_000_000, "voluntary": 1})

texts = st.sampled_from(
    [None, "a", "gigabytes {raw}", "nul\0byte", "voluntary", "Voluntary", "it's", "x" * 80]
)
numbers = st.sampled_from(
    [
        None,
        0.0,
        -0.5,
        1.0,
        2.5,
        13.37,
        9e9,
        1.5e10,
        9.1e12,
        1e12,
        1.5e12,
        9e15,
        1e16,
        1201.0,
        math.nan,
        math.inf,
        -math.inf,
    ]
)
times = st.sampled_from(
    [None, AT, datetime(1899, 12, 31, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)]
)
kinds = st.sampled_from([*KIND_CODES, None, "plan_chang", "Cancel", "zzz"])
rows = st.fixed_dictionaries(
    {
        "event_id": texts,
        "customer_id": texts,
        "kind": kinds,
        "occurred_at": times,
        "recorded_at": times,
        "effective_at": times,
        "subscription_id": texts,
        "amount": numbers,
        "list_amount": numbers,
        "label": texts,
        "term_months": numbers,
        "basket_id": texts,
    }
)


def faults_by_sql(events: list[dict]) -> list[list[str]]:
    """Judge typed rows as ingest does."""
    typed = arrow_schema(EVENT_COLUMNS | {"term_months": "DOUBLE"})
    unknown = {row["kind"] for row in events if row["kind"] not in KIND_CODES} - {None}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rows", pa.Table.from_pylist(events, typed))
        query = f"SELECT {faults_sql(CHECKS, unknown)}, {is_faulty_sql(CHECKS)} FROM rows"
        judged = connection.execute(query).fetchall()
    assert all(bool(faults) == is_faulty for faults, is_faulty in judged)
    return [[fault["sentence"] for fault in faults] for faults, _ in judged]


def event(**values: Any) -> dict:
    return {"customer_id": "c", "kind": "support", "occurred_at": AT} | values


@settings(max_examples=40)
@given(st.lists(rows, min_size=1, max_size=30))
def test_sql_and_python_say_the_same_about_the_same_row(events):
    assert faults_by_sql(events) == [faults_of(row, CHECKS) for row in events]


def test_a_sound_event_has_no_fault():
    assert faults_of(event(), CHECKS) == []


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"customer_id": ""}, "customer_id is missing; give a value"),
        ({"occurred_at": None}, "occurred_at is missing; give a value"),
        ({"kind": "subscribe"}, "amount is missing; give a value"),
        ({"amount": -5.0}, "amount is -5.0; expected a number from 0 to 9e+12"),
        (
            {"kind": "payment", "amount": 2e12},
            "amount is 2000000000000.0; expected a number from 0 to 1e+12",
        ),
        ({"amount": math.nan}, "amount is nan; expected a number from 0 to 9e+12"),
        (
            {"kind": "usage", "amount": 1e13, "label": "bytes"},
            (
                "amount is 10000000000000.0; expected a number from 0 to 9e+12 for usage of a "
                "metric without a scale, or a smaller scale in [features.usage_scale]"
            ),
        ),
        (
            {"kind": "usage", "amount": 1e10, "label": "gigabytes {raw}"},
            (
                "amount is 10000000000.0; expected a number from 0 to 9e+09 for usage of "
                "'gigabytes {raw}', or a smaller scale in [features.usage_scale]"
            ),
        ),
        ({"list_amount": math.inf}, "list_amount is inf; expected a number from 0 to 1e+12"),
        ({"label": "a\0"}, "label is 'a\\0'; expected text without NUL bytes"),
        (
            {"kind": "cancel", "label": "Voluntary"},
            "label is 'Voluntary'; expected voluntary, involuntary, other or none for cancel",
        ),
        ({"kind": "referral_joined"}, "label is missing; give a value"),
        ({"term_months": 0.0}, "term_months is 0.0; expected a whole number from 1 to 1200"),
        ({"term_months": 1.5}, "term_months is 1.5; expected a whole number from 1 to 1200"),
        (
            {"effective_at": datetime(2300, 1, 1, tzinfo=UTC)},
            "effective_at is 2300-01-01T00:00:00Z; expected a time from 1900 to 2199",
        ),
    ],
)
def test_a_fault_names_the_value_and_the_expectation(values, sentence):
    assert faults_of(event(**values), CHECKS) == [sentence]


def test_an_unknown_kind_is_answered_with_the_closest_known_one():
    (fault,) = faults_of(event(kind="plan_chang"), CHECKS)
    assert fault.startswith("kind is 'plan_chang'; expected one of subscribe, plan_change")
    assert fault.endswith("(did you mean plan_change?)")


@pytest.mark.parametrize("kind", ["cancel", "review", "payment_failed", "contact"])
def test_an_amount_that_is_optional_may_be_missing(kind):
    assert faults_of(event(kind=kind), CHECKS) == []


@pytest.mark.parametrize(
    ("metric", "amount"),
    [("gigabytes {raw}", 9e9), ("voluntary", 9e15), ("other", 9e12), (None, 9e12)],
)
def test_usage_may_be_as_large_as_its_scale_lets_it_be_counted(metric, amount):
    largest = event(kind="usage", label=metric, amount=amount)

    assert faults_of(largest, CHECKS) == []
    assert len(faults_of(largest | {"amount": 1.001 * amount}, CHECKS)) == 1
