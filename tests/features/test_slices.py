"""Slices share the customers of a log among them, few enough in each."""

import pytest

from features.log import Log
from features.slices import CUSTOMER_SIZE, slices
from tests.features.synthetic_log import write_synthetic_log

SIZE = 20_000


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Log:
    return write_synthetic_log(tmp_path_factory.mktemp("log"), 100_000, 3_000, 3)


def test_every_event_is_in_one_slice_and_no_customer_is_cut(log):
    found = list(slices(log, SIZE))
    tables = [log.read_events(part.bucket, between=(part.first, part.last)) for part in found]
    whose = [set(table.column("customer_id").to_pylist()) for table in tables]
    assert sum(table.num_rows for table in tables) == 100_000
    assert sum(len(customers) for customers in whose) == len(set().union(*whose)) == 3_000
    assert [part.events for part in found] == [table.num_rows for table in tables]
    assert [part.customers for part in found] == [len(customers) for customers in whose]


def test_slices_are_numbered_through_the_log_in_the_order_of_buckets_and_customers(log):
    found = list(slices(log, SIZE))
    assert [part.number for part in found] == list(range(len(found)))
    assert found == sorted(found, key=lambda part: (part.bucket, part.first))
    assert {part.bucket for part in found} == {0, 1, 2}


def test_a_slice_ends_with_the_customer_that_fills_it(log):
    for part in slices(log, SIZE):
        events = log.read_events(part.bucket, between=(part.first, part.last))
        largest = max(entry["counts"] for entry in events["customer_id"].value_counts().to_pylist())
        assert part.events + CUSTOMER_SIZE * part.customers < SIZE + largest + CUSTOMER_SIZE


def test_a_customer_with_more_events_than_a_slice_holds_is_in_one_slice(log):
    first = next(iter(slices(log, 1)))
    assert first.customers == 1
    assert first.events > 1


def test_a_small_bucket_is_one_slice(log):
    assert [part.bucket for part in slices(log)] == [0, 1, 2]


def test_an_empty_log_has_no_slices(tmp_path):
    assert list(slices(Log.open(tmp_path))) == []
