"""What a copy of a file of the log holds, and finding a customer in it.

Events stand in it twice: as the log has them, and as arrays that the kernel takes as they are.
"""

import hashlib
import json
from bisect import bisect_left
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.contract import EVENT_COLUMNS, KINDS
from features.event_columns import ARRAYS
from features.log import EVENT_ORDER, EVENT_SCHEMA, Log

_LABELS = b"labels"
_ARRAY = "array of {}".format
_KEY = """CASE WHEN {column} IS NULL THEN 0::UBIGINT
    ELSE md5_number_lower(customer_id || chr(0) || {column}) END"""
_QUERY = f"""
SELECT {", ".join(EVENT_COLUMNS)},
    epoch_us(occurred_at) AS occurred,
    epoch_us(greatest(occurred_at, coalesce(recorded_at, occurred_at))) AS visible,
    epoch_us(coalesce(effective_at, occurred_at)) AS effective,
    (list_position($kinds, kind) - 1)::TINYINT AS kind_code,
    coalesce(amount, 'NaN'::DOUBLE) AS amount_or_nan,
    coalesce(list_amount, 'NaN'::DOUBLE) AS list_amount_or_nan,
    coalesce(term_months, 0)::INTEGER AS term,
    {_KEY.format(column="subscription_id")} AS subscription,
    {_KEY.format(column="basket_id")} AS basket
FROM read_parquet($files) ORDER BY {EVENT_ORDER}
"""
_FROM_QUERY = {
    "kind": "kind_code",
    "amount": "amount_or_nan",
    "list_amount": "list_amount_or_nan",
    "term_months": "term",
}
"""What the query calls those ARRAYS whose names the contract's columns have."""


class MappedTable:
    """Find the rows of a customer in a table that is sorted by `customer_id`."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        runs = pc.run_end_encode(table.column("customer_id").combine_chunks())
        self._ids, self._ends = runs.values, np.append(0, runs.run_ends.to_numpy())

    def span_of(self, customer_id: str) -> tuple[int, int]:
        """Return the first of the customer's rows and the one after the last, alike if none."""
        place = bisect_left(self._ids, customer_id, key=_text)
        is_there = place < len(self._ids) and _text(self._ids[place]) == customer_id
        return int(self._ends[place]), int(self._ends[place + is_there])

    def of_customer(self, customer_id: str) -> pa.Table:
        """Return the customer's rows, none if there are none, without copying them."""
        first, last = self.span_of(customer_id)
        return self.table.slice(first, last - first)


class MappedEvents(MappedTable):
    """Find the events of a customer, as `features.event_columns.EventSource` and as rows."""

    def __init__(self, table: pa.Table) -> None:
        super().__init__(table.select(EVENT_SCHEMA.names))
        self.labels: tuple[str, ...] = tuple(json.loads(table.schema.metadata[_LABELS]))
        self.arrays: dict[str, NDArray[Any]] = {
            name: table.column(_ARRAY(name)).combine_chunks().to_numpy() for name in ARRAYS
        }

    def event_ids(self, first: int, last: int) -> pa.Array:
        """Return the ids of events first to last - 1."""
        return self._event_ids.slice(first, last - first)

    @cached_property
    def _event_ids(self) -> pa.Array:
        return self.table.column("event_id").combine_chunks()


def write_table(parquet: Path, draft: Path) -> None:
    """Write a copy of a file as it is."""
    table = pq.read_table(parquet, use_threads=False).combine_chunks()
    # Files differ in what they declare as never null.
    schema = pa.schema([pa.field(field.name, field.type) for field in table.schema])
    with pa.ipc.new_file(str(draft), schema) as writer:
        writer.write_table(table.cast(schema))


def write_events(log: Log, parquet: Path, draft: Path) -> None:
    """Write a copy of a file of events: the contract's columns, and ARRAYS beside them."""
    kinds = [kind.name for kind in KINDS]
    found = log.query(_QUERY, {"files": [str(parquet)], "kinds": kinds}).combine_chunks()
    label = found.column("label").combine_chunks().dictionary_encode()
    columns = {field.name: found.column(field.name).cast(field.type) for field in EVENT_SCHEMA}
    for name in ARRAYS:
        columns[_ARRAY(name)] = (
            pc.fill_null(label.indices, -1).cast(pa.int32())
            if name == "label"
            else found.column(_FROM_QUERY.get(name, name))
        )
    labels = json.dumps(label.dictionary.to_pylist()).encode()
    table = pa.table(columns).replace_schema_metadata({_LABELS: labels}).combine_chunks()
    with pa.ipc.new_file(str(draft), table.schema) as writer:
        writer.write_table(table)


def key_of(customer_id: str, text: str | None) -> int:
    """Return what stands for a subscription or basket of a customer, as copies have it."""
    if text is None:
        return 0
    digest = hashlib.md5(f"{customer_id}\0{text}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little")


def _text(value: Any) -> str:
    return value.as_py()
