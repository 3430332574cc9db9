"""Slices of the log: some customers of a bucket, few enough that their histories fit in memory.

`n_buckets` is fixed by the first ingest, so a bucket grows with the log; a slice does not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from features.log import Log

SLICE_SIZE = 500_000
CUSTOMER_SIZE = 10
"""A customer takes the room of ten events: every signal is a number more, whatever happened."""


@dataclass(frozen=True)
class Slice:
    """Name the customers of a bucket from `first` to `last`; `number` counts through the log."""

    number: int
    bucket: int
    first: str
    last: str
    events: int
    customers: int


def slices(log: Log, size: int = SLICE_SIZE) -> Iterator[Slice]:
    """Yield the slices of every bucket, in the order of bucket and customer.

    A slice ends with the customer that fills it: one customer is never cut.
    """
    number = count()
    for bucket in range(log.n_buckets):
        for row in _cut(log, bucket, size):
            yield Slice(next(number), bucket, **row)


def _cut(log: Log, bucket: int, size: int) -> list[dict[str, Any]]:
    paths = [str(path) for path in log.files("events", bucket)]
    if not paths:
        return []
    query = f"""
        WITH counts AS (
            SELECT customer_id, count(*) AS n FROM read_parquet($files) GROUP BY customer_id
        ), placed AS (
            SELECT customer_id, n, sum(n + {CUSTOMER_SIZE}) OVER (
                ORDER BY customer_id ROWS UNBOUNDED PRECEDING
            ) - n - {CUSTOMER_SIZE} AS place FROM counts
        )
        SELECT min(customer_id) AS first, max(customer_id) AS last,
            CAST(sum(n) AS BIGINT) AS events, count(*) AS customers
        FROM placed GROUP BY place // {size} ORDER BY first"""
    return list(log.query(query, {"files": paths}).to_pylist())
