"""Reasons beside the scores of a portfolio, for the customers who matter most."""

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from features.blocks import block_of
from features.instants import instant_of
from features.log import Log, bucket_of
from training.bundle import Bundle
from training.explaining import explain
from training.score_table import NO_REASONS

_TOGETHER = 200


def with_reasons(table: pa.Table, log: Log, bundle: Bundle, as_of: datetime, most: int) -> pa.Table:
    """Return `scores` with the reasons of so many customers: those with most value at stake.

    In a shop, where no value is at stake, those with the highest CLV.
    """
    wanted = _most_at_stake(table, most)
    reasons: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(wanted), _TOGETHER):
        part = wanted[start : start + _TOGETHER]
        reasons |= _reasons_of(part, log, bundle, as_of)
    ids = table.column("customer_id").to_pylist()
    told = [reasons.get(customer_id) for customer_id in ids]
    warnings = [
        [text for text in texts if own is None or text != NO_REASONS]
        for own, texts in zip(told, table.column("warnings").to_pylist(), strict=True)
    ]
    for name, column in (("reasons", told), ("warnings", warnings)):
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(column, pa.list_(pa.string())))
    return table


def _most_at_stake(table: pa.Table, most: int) -> list[str]:
    there = table.filter(pc.equal(table.column("status"), "active"))
    stake = there.column("value_at_stake")
    key = "clv" if stake.null_count == len(stake) else "value_at_stake"
    order = pc.sort_indices(there, sort_keys=[(key, "descending"), ("customer_id", "ascending")])
    wanted: list[str] = there.column("customer_id").take(order[:most]).to_pylist()
    return wanted


def _reasons_of(
    ids: list[str], log: Log, bundle: Bundle, as_of: datetime
) -> dict[str, tuple[str, ...]]:
    buckets: dict[int, list[str]] = {}
    for customer_id in ids:
        buckets.setdefault(bucket_of(customer_id, log.n_buckets), []).append(customer_id)
    events = [log.read_events(bucket, as_of, some) for bucket, some in buckets.items()]
    attributes = list(bundle.vocabulary.levels)
    customers = log.read_customers(ids)
    block = block_of(pa.concat_tables(events), customers, bundle.business, attributes)
    told = explain(bundle, block, instant_of(as_of))
    return {customer_id: explanation.reasons for customer_id, explanation in told.items()}
