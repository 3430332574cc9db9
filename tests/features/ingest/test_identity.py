"""Ids of events that brought none."""

import hashlib
import re
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.contract import EVENT_COLUMNS
from features.ingest.identity import digest_sql, event_id_of
from features.instants import datetime_of
from features.log import arrow_schema

# Microseconds from 1900-01-01 to 2199-12-31.
EARLIEST, LATEST = -2_208_988_800_000_000, 7_258_032_000_000_000

texts = st.none() | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
)
times = st.none() | st.integers(EARLIEST, LATEST).map(datetime_of)
amounts = st.none() | st.floats(0, 1e15)
rows = st.fixed_dictionaries(
    {
        "customer_id": texts,
        "kind": texts,
        "occurred_at": times,
        "recorded_at": times,
        "effective_at": times,
        "subscription_id": texts,
        "amount": amounts,
        "list_amount": amounts,
        "label": texts,
        "term_months": st.none() | st.integers(1, 1200),
        "basket_id": texts,
    }
)


@settings(max_examples=40)
@given(st.lists(rows, min_size=1, max_size=20))
def test_sql_and_python_give_the_same_ids(events):
    events = [row | {"recorded_at": row["recorded_at"] or row["occurred_at"]} for row in events]
    with duckdb.connect() as connection:
        connection.register("rows", pa.Table.from_pylist(events, arrow_schema(EVENT_COLUMNS)))
        digests = connection.execute(f"SELECT {digest_sql()} FROM rows").fetchall()
    assert [f"{digest}-1" for (digest,) in digests] == [event_id_of(row) for row in events]


def test_the_id_is_md5_over_the_columns_of_the_contract():
    row = {"customer_id": "c", "kind": "usage", "amount": 2.5}
    row["occurred_at"] = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    null = "\x1e"
    fields = ["c", "usage", "1000000", "1000000", null, null, "2500000", null, null, null, null]
    text = "\x1f".join(fields)
    assert (
        event_id_of(row, ordinal=3)
        == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + "-3"
    )


def test_identical_purchases_survive_with_ordinals_over_all_sources(desk):
    lines = [
        "customer_id,kind,occurred_at,amount",
        "c,payment,2024-01-01,5",
        "c,payment,2024-01-01,5",
    ]
    report = desk.ingest(desk.source(*lines, name="a"), desk.source(*lines[:2], name="b"))
    assert report.new == 3
    first = event_id_of(
        {
            "customer_id": "c",
            "kind": "payment",
            "amount": 5.0,
            "occurred_at": datetime(2024, 1, 1, tzinfo=UTC),
        }
    )
    expected = [re.sub("-1$", f"-{ordinal}", first) for ordinal in (1, 2, 3)]
    assert sorted(row["event_id"] for row in desk.events()) == expected
