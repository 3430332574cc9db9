"""Which usage metrics and attribute levels a business has, as known at an instant."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.catalogue import Vocabulary
from features.contract import CUSTOMER_COLUMNS
from features.instants import instant_of
from features.log import Log
from features.mistakes import ConfigurationError, Mistake
from features.profiles import profiles_of

MOST_METRICS = 12
MOST_LEVELS = 20
FEWEST_OF_LEVEL = 20
"""A level fewer customers have is no feature: it would point at people."""


def vocabulary_of(log: Log, attributes: Sequence[str], visible_before: datetime) -> Vocabulary:
    """Return the most frequent usage metrics, and the levels of the declared attributes.

    Raises
    ------
    ConfigurationError
        If an attribute is no column of the customers.
    """
    return Vocabulary(
        _frequent_metrics(log, visible_before), _levels(log, attributes, visible_before)
    )


def _frequent_metrics(log: Log, visible_before: datetime) -> tuple[str, ...]:
    counts: Counter[str] = Counter()
    for bucket in range(log.n_buckets):
        events = log.read_events(bucket, visible_before)
        used = events.filter(pc.equal(events.column("kind"), "usage"))
        for entry in pc.value_counts(used.column("label")).to_pylist():
            if entry["values"] is not None:
                counts[entry["values"]] += entry["counts"]
    ranked = sorted(counts, key=lambda metric: (-counts[metric], metric))
    return tuple(ranked[:MOST_METRICS])


def _levels(
    log: Log, attributes: Sequence[str], visible_before: datetime
) -> dict[str, tuple[str, ...] | None]:
    customers = log.read_customers()
    _require_columns(attributes, [] if customers is None else customers.column_names)
    if customers is None or not attributes:
        return {}
    acquired = customers.column("acquired_at") if "acquired_at" in customers.column_names else None
    if acquired is not None:
        limit = pa.scalar(instant_of(visible_before), pa.int64()).cast(pa.timestamp("us", "UTC"))
        customers = customers.filter(pc.fill_null(pc.less(acquired, limit), True))
    if not customers.num_rows:
        return dict.fromkeys(attributes, ())
    ids = customers.column("customer_id").to_pylist()
    known = profiles_of(customers, ids, attributes).attributes
    return {name: _frequent_levels(known[name]) for name in attributes}


def _require_columns(attributes: Sequence[str], present: Sequence[str]) -> None:
    found = [name for name in present if name not in CUSTOMER_COLUMNS]
    expected = (
        f"expected columns that a source of customers selects; it selects {', '.join(found)}"
        if found
        else 'select it in a source with into = "customers"'
    )
    mistakes = [
        Mistake("features.attributes", repr(name), expected)
        for name in attributes
        if name not in present
    ]
    if mistakes:
        raise ConfigurationError("some attributes are not in the data", mistakes)


def _frequent_levels(values: NDArray[np.generic]) -> tuple[str, ...] | None:
    if values.dtype != object:
        return None
    counts = Counter(value for value in values if value is not None)
    frequent = [level for level, count in counts.items() if count >= FEWEST_OF_LEVEL]
    return tuple(sorted(frequent, key=lambda level: (-counts[level], level))[:MOST_LEVELS])
