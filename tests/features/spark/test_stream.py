"""Arrow batches of a partition become blocks of whole customers; no Spark is needed for that."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.log import EVENT_SCHEMA
from features.rules import CustomerRules
from features.spark.stream import PROFILE, blocks_of, customer_tables

RULES = CustomerRules(contract="subscription", currency="EUR")
JANUARY = datetime(2024, 1, 1, tzinfo=UTC)
PROFILE_TYPE = pa.struct({"acquired_at": pa.timestamp("us", tz="UTC"), "country": pa.string()})


def batches_of(ids, sizes):
    """Return ids as batches of these sizes, again and again."""
    table, batches, number = pa.table({"customer_id": pa.array(ids, pa.string())}), [], 0
    while table.num_rows:
        batches += table.slice(0, sizes[number % len(sizes)]).combine_chunks().to_batches()
        table, number = table.slice(sizes[number % len(sizes)]), number + 1
    return batches


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from("abcdef"), max_size=40).map(sorted),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
    st.integers(1, 20),
)
def test_every_customer_is_whole_in_one_table_and_rows_keep_their_order(ids, sizes, most_rows):
    tables = [
        table.column("customer_id").to_pylist()
        for table in customer_tables(batches_of(ids, sizes), most_rows)
    ]

    assert [customer for table in tables for customer in table] == ids
    assert sum(len(set(table)) for table in tables) == len(set(ids))


def test_a_full_table_is_cut_before_the_customer_who_may_go_on():
    ids = ["a", "a", "b", "b", "b", "c"]

    tables = list(customer_tables(batches_of(ids, [2]), most_rows=4))

    assert [table.column("customer_id").to_pylist() for table in tables] == [
        ["a", "a"],
        ["b", "b", "b"],
        ["c"],
    ]


def row(customer_id, number, *, profile=None):
    at = None if profile else JANUARY + timedelta(days=number)
    event = dict.fromkeys(EVENT_SCHEMA.names) | {"customer_id": customer_id, PROFILE: profile}
    if profile is None:
        event |= {"event_id": f"{number}", "kind": "usage", "amount": 1.0, "label": "calls"}
    return event | {"occurred_at": at, "recorded_at": at}


def test_a_customers_row_among_the_events_is_the_profile():
    rows = [
        row("a", 0, profile={"acquired_at": JANUARY, "country": "AT"}),
        row("a", 1),
        row("a", 2),
        row("b", 1),
        row("c", 0, profile={"acquired_at": None, "country": "CH"}),
    ]
    table = pa.Table.from_pylist(rows, EVENT_SCHEMA.append(pa.field(PROFILE, PROFILE_TYPE)))

    (block,) = blocks_of(table.to_batches(max_chunksize=2), RULES, ["country"])

    assert block.history.customer_ids.tolist() == ["a", "b"]
    assert block.history.offsets.tolist() == [0, 2, 3]
    assert block.profiles.attributes["country"].tolist() == ["AT", None]
    assert block.profiles.acquired[0] == int(JANUARY.timestamp()) * 1_000_000
