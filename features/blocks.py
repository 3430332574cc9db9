"""Reading the log block by block: histories with profiles, memory bounded by a bucket."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from features.history import History, history_from_events
from features.log import Log, bucket_of
from features.profiles import Profiles, profiles_of
from features.rules import CustomerRules


@dataclass(frozen=True)
class Block:
    """Hold the histories of some customers, and what the customers table says of them."""

    history: History
    profiles: Profiles


def blocks(
    log: Log,
    rules: CustomerRules,
    attributes: Sequence[str],
    visible_before: datetime | None = None,
) -> Iterator[Block]:
    """Yield every bucket of the log as a block; with `visible_before`, as it was known then."""
    customers = log.read_customers()
    for bucket in range(log.n_buckets):
        events = log.read_events(bucket, visible_before)
        if events.num_rows:
            yield block_of(events, customers, rules, attributes)


def block_of(
    events: pa.Table, customers: pa.Table | None, rules: CustomerRules, attributes: Sequence[str]
) -> Block:
    """Return the block that some events and the customers table make."""
    history = history_from_events(events, rules.minor_units)
    return Block(history, profiles_of(customers, list(history.customer_ids), attributes))


def block_of_customers(
    log: Log, rules: CustomerRules, attributes: Sequence[str], customer_ids: Sequence[str]
) -> Block:
    """Return the block of these customers alone; those without events are not in it."""
    by_bucket: dict[int, list[str]] = {}
    for customer_id in customer_ids:
        by_bucket.setdefault(bucket_of(customer_id, log.n_buckets), []).append(customer_id)
    tables = [log.read_events(bucket, None, ids) for bucket, ids in by_bucket.items()]
    return block_of(pa.concat_tables(tables), log.read_customers(), rules, attributes)
