"""Reading the log block by block: histories with profiles, memory bounded by a slice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from features.history import History, history_from_events
from features.log import Log, bucket_of
from features.profiles import Profiles, profiles_of
from features.rules import CustomerRules
from features.slices import Slice, slices


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
    """Yield the log slice by slice; with `visible_before`, as it was known then."""
    for part in slices(log):
        block = block_of_slice(log, part, rules, attributes, visible_before)
        if block.history.n_customers:
            yield block


def block_of_slice(
    log: Log,
    part: Slice,
    rules: CustomerRules,
    attributes: Sequence[str],
    visible_before: datetime | None = None,
) -> Block:
    """Return the customers of a slice who had been seen by then, as they were known then."""
    events = log.read_events(part.bucket, visible_before, between=(part.first, part.last))
    return _block_from_log(log, events, rules, attributes)


def block_of_customers(
    log: Log, rules: CustomerRules, attributes: Sequence[str], customer_ids: Sequence[str]
) -> Block:
    """Return the block of these customers alone; those without events are not in it."""
    by_bucket: dict[int, list[str]] = {}
    for customer_id in customer_ids:
        by_bucket.setdefault(bucket_of(customer_id, log.n_buckets), []).append(customer_id)
    tables = [log.read_events(bucket, None, ids) for bucket, ids in by_bucket.items()]
    return _block_from_log(log, pa.concat_tables(tables), rules, attributes)


def block_of(
    events: pa.Table, customers: pa.Table | None, rules: CustomerRules, attributes: Sequence[str]
) -> Block:
    """Return the block that some events and the customers table make."""
    history = history_from_events(events, rules.minor_units)
    return Block(history, profiles_of(customers, list(history.customer_ids), attributes))


def _block_from_log(
    log: Log, events: pa.Table, rules: CustomerRules, attributes: Sequence[str]
) -> Block:
    history = history_from_events(events, rules.minor_units)
    ids = list(history.customer_ids)
    return Block(history, profiles_of(log.read_customers(ids), ids, attributes))
