"""Reading the log block by block: histories with profiles, memory bounded by a slice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from features.history import History, history_from_events
from features.log import Log
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
    history = history_from_events(events, rules.minor_units, usage_scale=rules.usage_scale)
    ids = list(history.customer_ids)
    return Block(history, profiles_of(log.read_customers(ids, part.bucket), ids, attributes))


def block_of(
    events: pa.Table, customers: pa.Table | None, rules: CustomerRules, attributes: Sequence[str]
) -> Block:
    """Return the block that some events and the customers table make."""
    history = history_from_events(events, rules.minor_units, usage_scale=rules.usage_scale)
    return Block(history, profiles_of(customers, list(history.customer_ids), attributes))
