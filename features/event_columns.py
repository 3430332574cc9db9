"""Events as arrays, of which histories are made: one entry an event, nothing null.

What Arrow holds as text and nulls is turned into numbers here, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.contract import KINDS
from features.months import Instants

Rows = NDArray[np.int64] | slice
ARRAYS = (
    *("occurred", "visible", "effective", "kind", "label", "amount", "list_amount"),
    *("term_months", "subscription", "basket"),
)
"""Everything that an event says, beside whose it is."""


@dataclass(frozen=True)
class EventColumns:
    """Hold events, one entry each, in any order.

    `customer` counts the customers of a block. `visible` is the later of occurred_at and
    recorded_at, `effective` is `occurred` where null; `label` is a code of `labels`, -1 where
    null; `amount` and `list_amount` are in major units, NaN where null, `term_months` is 0 where
    null. `subscription` and `basket` are 0 where null, else alike for the same text of the same
    customer alone.
    """

    customer: NDArray[np.int64]
    occurred: Instants
    visible: Instants
    effective: Instants
    kind: NDArray[np.int8]
    label: NDArray[np.int32]
    amount: NDArray[np.float64]
    list_amount: NDArray[np.float64]
    term_months: NDArray[np.int32]
    subscription: NDArray[np.uint64]
    basket: NDArray[np.uint64]
    labels: tuple[str, ...]

    def rows(self, rows: Rows) -> "EventColumns":
        """Return some events, in this order."""
        arrays = {name: getattr(self, name)[rows] for name in ARRAYS}
        return EventColumns(customer=self.customer[rows], labels=self.labels, **arrays)


class EventSource(Protocol):
    """Hold events sorted by customer, occurred_at and event_id."""

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """ARRAYS, as `EventColumns` has them."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What the codes of its labels mean."""

    def event_ids(self, first: int, last: int) -> pa.Array:
        """Return the ids of events first to last - 1."""


@dataclass(frozen=True)
class Span:
    """Name the events first to last - 1 of a source: they are one customer's."""

    source: EventSource
    customer: int
    first: int
    last: int


def columns_of_events(events: pa.Table, customer: NDArray[np.int64]) -> EventColumns:
    """Return contract columns as arrays; `customer` (n_events,) says whose each event is."""
    kind_names = pa.array([kind.name for kind in KINDS])
    kind = numbers_of(pc.index_in(flat(events, "kind"), value_set=kind_names), -1)
    occurred = _instants(events, "occurred_at")
    label, labels = _codes(flat(events, "label"))
    return EventColumns(
        customer=customer,
        occurred=occurred,
        visible=np.maximum(occurred, _instants(events, "recorded_at", occurred)),
        effective=_instants(events, "effective_at", occurred),
        kind=kind.astype(np.int8),
        label=label,
        amount=_floats(events, "amount"),
        list_amount=_floats(events, "list_amount"),
        term_months=numbers_of(flat(events, "term_months"), 0).astype(np.int32),
        subscription=_keys(flat(events, "subscription_id"), customer),
        basket=_keys(flat(events, "basket_id"), customer),
        labels=labels,
    )


def columns_of_spans(spans: Sequence[Span]) -> EventColumns:
    """Return the events of spans, sorted by customer, occurred_at and event_id.

    Spans are given by rising customer; of one customer there may be several.
    """
    arrays = {
        name: np.concatenate([span.source.arrays[name][span.first : span.last] for span in spans])
        for name in ARRAYS
    }
    lengths = [span.last - span.first for span in spans]
    customer = np.repeat([span.customer for span in spans], lengths)
    arrays["label"], labels = _joined_labels(spans, lengths, arrays["label"])
    columns = EventColumns(customer=customer, labels=labels, **arrays)
    if len({span.customer for span in spans}) == len(spans):
        return columns
    return columns.rows(_merging_order(spans, lengths, customer, arrays["occurred"]))


def flat(events: pa.Table, name: str) -> pa.Array:
    """Return a column as one array."""
    column = events.column(name)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def numbers_of(column: pa.Array, null: int) -> NDArray[np.int64]:
    """Return whole numbers, `null` where they are null."""
    filled = pc.fill_null(column.cast(pa.int64()), null)
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.int64)


def _joined_labels(
    spans: Sequence[Span], lengths: Sequence[int], label: NDArray[np.int32]
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return one code for each text that occurs, and the texts."""
    sources = {id(span.source): span.source for span in spans}
    ends = np.cumsum([len(source.labels) for source in sources.values()]).tolist()
    begins = dict(zip(sources, [0, *ends[:-1]], strict=True))
    places = np.where(
        label >= 0,
        label + np.repeat([begins[id(span.source)] for span in spans], lengths),
        ends[-1],
    )
    occurs = np.zeros(ends[-1] + 1, np.bool_)
    occurs[places] = True
    used = np.flatnonzero(occurs[:-1]).tolist()
    texts = [text for source in sources.values() for text in source.labels]
    codes: dict[str, int] = {}
    code_of = np.full(ends[-1] + 1, -1, np.int32)
    for place in used:
        code_of[place] = codes.setdefault(texts[place], len(codes))
    return code_of[places], tuple(codes)


def _merging_order(
    spans: Sequence[Span],
    lengths: Sequence[int],
    customer: NDArray[np.int64],
    occurred: Instants,
) -> NDArray[np.int64]:
    order = np.lexsort((occurred, customer))
    span = np.repeat(np.arange(len(spans)), lengths)[order]
    whose, at = customer[order], occurred[order]
    is_tied = (whose[1:] == whose[:-1]) & (at[1:] == at[:-1])
    if not (is_tied & (span[1:] != span[:-1])).any():
        return order
    in_ties = np.zeros(len(order), np.bool_)
    in_ties[1:] = is_tied
    in_ties[:-1] |= is_tied
    places = np.flatnonzero(in_ties)
    ids = pa.concat_arrays([one.source.event_ids(one.first, one.last) for one in spans])
    names = ids.take(pa.array(order[places])).to_pylist()
    tie = np.append(0, np.cumsum(~is_tied))[places].tolist()
    sorted_ = sorted(range(len(places)), key=lambda number: (tie[number], names[number]))
    order[places] = order[places][sorted_]
    return order


def _keys(texts: pa.Array, customer: NDArray[np.int64]) -> NDArray[np.uint64]:
    codes, known = _codes(texts)
    keys = np.where(codes >= 0, customer * max(len(known), 1) + codes + 1, 0)
    return keys.astype(np.uint64)


def _codes(texts: pa.Array) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    encoded = texts.dictionary_encode()
    codes = numbers_of(encoded.indices, -1).astype(np.int32)
    return codes, tuple(encoded.dictionary.to_pylist())


def _floats(events: pa.Table, name: str) -> NDArray[np.float64]:
    column = pc.fill_null(flat(events, name).cast(pa.float64()), float("nan"))
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _instants(events: pa.Table, name: str, default: Instants | None = None) -> Instants:
    column = flat(events, name).cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    if default is None:
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.int64)
    absent = np.asarray(column.is_null().to_numpy(zero_copy_only=False))
    return np.where(absent, default, numbers_of(column, 0))
