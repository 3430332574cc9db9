"""In a Spark worker: Arrow batches of sorted rows in, blocks of whole customers out.

Runs without PySpark: what a worker needs is the kernel, NumPy and Arrow.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from features.blocks import Block, block_of
from features.log import EVENT_SCHEMA
from features.rules import CustomerRules

PROFILE = "profile"
"""Column that holds a row of the customers table; null in the rows that are events."""
MOST_ROWS = 250_000
"""Rows of a block, unless one customer has more: bounds a worker to a few hundred MB."""


@dataclass(frozen=True)
class Part:
    """Hold the events of whole customers, as contract columns, and the block they make."""

    events: pa.Table
    block: Block

    def events_of(self, customer_ids: Sequence[str]) -> pa.Table:
        """Return the events of some of the customers."""
        ids = pa.array(customer_ids, pa.string())
        return self.events.filter(pc.is_in(self.events.column("customer_id"), value_set=ids))


def parts_of(
    batches: Iterable[pa.RecordBatch],
    rules: CustomerRules,
    attributes: Sequence[str],
    most_rows: int = MOST_ROWS,
) -> Iterator[Part]:
    """Yield the customers of a partition, sorted by customer_id, some at a time.

    Each customer's row of the customers table, if any, stands among the events, in PROFILE.
    """
    for rows in customer_tables(batches, most_rows):
        is_event = pc.is_null(rows.column(PROFILE))
        events = rows.filter(is_event).select(EVENT_SCHEMA.names).cast(EVENT_SCHEMA)
        if events.num_rows:
            customers = _customers(rows.filter(pc.invert(is_event)))
            yield Part(events, block_of(events, customers, rules, attributes))


def blocks_of(
    batches: Iterable[pa.RecordBatch], rules: CustomerRules, attributes: Sequence[str]
) -> Iterator[Block]:
    """Yield the customers of a partition, block by block."""
    return (part.block for part in parts_of(batches, rules, attributes))


def customer_tables(batches: Iterable[pa.RecordBatch], most_rows: int) -> Iterator[pa.Table]:
    """Yield the rows of whole customers, as many customers as fit into `most_rows`, at least one.

    Rows come sorted by customer_id; a customer's rows may span any number of batches.
    """
    waiting: list[pa.RecordBatch] = []
    n_rows = 0
    for batch in batches:
        if not batch.num_rows:
            continue
        waiting.append(batch)
        n_rows += batch.num_rows
        last = batch.column("customer_id")[-1]
        if n_rows < most_rows or last == waiting[0].column("customer_id")[0]:
            continue
        rows = pa.Table.from_batches(waiting)
        last_begins = pc.index(rows.column("customer_id"), last).as_py()
        yield rows.slice(0, last_begins)
        waiting, n_rows = rows.slice(last_begins).to_batches(), n_rows - last_begins
    if waiting:
        yield pa.Table.from_batches(waiting)


def _customers(rows: pa.Table) -> pa.Table:
    profile = rows.column(PROFILE).combine_chunks()
    columns = dict(zip(profile.type.names, profile.flatten(), strict=True))
    return pa.table({"customer_id": rows.column("customer_id"), **columns})
