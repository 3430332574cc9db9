"""Customers' events as sorted columns with offsets: the one input of signals and outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.contract import KIND_CODES, KINDS, LARGEST_QUANTITY
from features.mistakes import ConfigurationError, Mistake
from features.months import Instants

QUANTITY_SCALE = 1000
"""Quantities are held in thousandths, or usage in what its metric's scale says.

Sums are exact in any order; a customer's up to 2^53 of them, beyond it is rounded as any float64.
"""
NO_SCALES: Mapping[str, int] = {}
MISSING = -1
"""Stands for an amount or a price that is null; contract amounts are never negative."""
_MONEY = np.array([kind.is_money for kind in KINDS])


@dataclass(frozen=True)
class History:
    """Hold a block of customers' events, sorted by customer and then (occurred_at, event_id).

    `customer_ids` has shape (n_customers,), `offsets` (n_customers + 1,): the events of customer i
    are rows offsets[i] to offsets[i+1]. All other arrays have one entry an event. `visible` is the
    later of occurred_at and recorded_at. `value` and `list_value` are integer minor units for
    money, for usage of a metric in `usage_scale` so many to a unit, and thousandths for other
    quantities; MISSING where null. `term_months` is 0 where null.
    """

    customer_ids: NDArray[np.object_]
    offsets: NDArray[np.int64]
    occurred: Instants
    visible: Instants
    effective: Instants
    kind: NDArray[np.int8]
    label: NDArray[np.int32]
    value: NDArray[np.int64]
    list_value: NDArray[np.int64]
    term_months: NDArray[np.int32]
    subscription: NDArray[np.int32]
    basket: NDArray[np.int32]
    labels: tuple[str, ...]
    minor_units: int
    usage_scale: Mapping[str, int]

    @property
    def n_customers(self) -> int:
        """Customers in the block, those without a visible event included."""
        return len(self.customer_ids)

    @cached_property
    def customer(self) -> NDArray[np.int64]:
        """Index of each event's customer, shape (n_events,)."""
        return np.repeat(np.arange(self.n_customers), np.diff(self.offsets))

    def visible_before(self, as_of: int) -> "History":
        """Return the history as it was known just before `as_of`, with the same customers."""
        is_visible = (self.visible < as_of) & (self.occurred < as_of)
        return self if is_visible.all() else self.rows(np.flatnonzero(is_visible))

    def span(self, first: int, last: int) -> "History":
        """Return the histories of customers first to last - 1, without copying an event."""
        if first == 0 and last == self.n_customers:
            return self
        begin, end = self.offsets[first], self.offsets[last]
        columns = {name: getattr(self, name)[begin:end] for name in EVENT_ARRAYS}
        ids, offsets = self.customer_ids[first:last], self.offsets[first : last + 1] - begin
        return self._with(customer_ids=ids, offsets=offsets, **columns)

    def rows(self, kept: NDArray[np.int64]) -> "History":
        """Return the history with only these events, given as increasing row numbers."""
        counts = np.bincount(self.customer[kept], minlength=self.n_customers)
        columns = {name: getattr(self, name)[kept] for name in EVENT_ARRAYS}
        return self._with(offsets=offsets_of_counts(counts), **columns)

    def customers(self, kept: NDArray[np.int64]) -> "History":
        """Return the histories of some customers, given as increasing customer numbers."""
        wanted = np.zeros(self.n_customers, dtype=bool)
        wanted[kept] = True
        rows = np.flatnonzero(wanted[self.customer])
        columns = {name: getattr(self, name)[rows] for name in EVENT_ARRAYS}
        offsets = offsets_of_counts(np.diff(self.offsets)[kept])
        return self._with(customer_ids=self.customer_ids[kept], offsets=offsets, **columns)

    def _with(self, **changes: Any) -> "History":
        """Return the history with other columns, what is known of its labels handed on."""
        changed = replace(self, **changes)
        vars(changed)["_label_codes"] = self._label_codes
        return changed

    def of_kind(self, *kinds: str) -> NDArray[np.int64]:
        """Return the row numbers of the events of these kinds, rising."""
        order, starts = self._by_kind
        codes = [KIND_CODES[kind] for kind in kinds]
        parts = [order[starts[code] : starts[code + 1]] for code in codes]
        return parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))

    @cached_property
    def _by_kind(self) -> tuple[NDArray[np.int64], list[int]]:
        """Rows sorted by kind, and where each kind begins among them."""
        counts = np.bincount(self.kind, minlength=len(KINDS))
        return np.argsort(self.kind, kind="stable"), offsets_of_counts(counts).tolist()

    def label_code(self, label: str) -> int:
        """Return the code of a label in this block, or -2 where no event bears it."""
        return self._label_codes.get(label, -2)

    @cached_property
    def _label_codes(self) -> dict[str, int]:
        return {label: code for code, label in enumerate(self.labels)}


EVENT_ARRAYS = tuple(
    field.name
    for field in fields(History)
    if field.name not in ("customer_ids", "offsets", "labels", "minor_units", "usage_scale")
)


def history_from_events(
    events: pa.Table,
    minor_units: int,
    customer_ids: Sequence[str] | None = None,
    usage_scale: Mapping[str, int] = NO_SCALES,
) -> History:
    """Build a history from contract columns.

    Parameters
    ----------
    events : pyarrow.Table
        The columns of the contract, validated; any order of rows.
    minor_units : int
        Minor units in one unit of the currency.
    customer_ids : sequence of str, optional
        The customers to hold, in this order; by default those with events, sorted.
    usage_scale : mapping of str to int, optional
        How many of its integers make a unit of a metric; of others `QUANTITY_SCALE`.

    Raises
    ------
    ConfigurationError
        If an amount is too large for its scale.
    """
    ids = sorted(set(_strings(events, "customer_id"))) if customer_ids is None else customer_ids
    index = pa.array(ids, pa.string())
    customer = _numbers(pc.index_in(_flat(events, "customer_id"), value_set=index), -1)
    occurred = _instants(events, "occurred_at")
    order = _sorted_order(customer, occurred, events)
    label, labels = _codes(_flat(events, "label"))
    scales = [*(usage_scale.get(metric, QUANTITY_SCALE) for metric in labels), QUANTITY_SCALE]
    columns = _columns(events, customer, minor_units, np.array(scales)[label])
    counts = np.bincount(customer, minlength=len(ids))
    return History(
        customer_ids=np.array(ids, dtype=object),
        offsets=offsets_of_counts(counts),
        occurred=occurred[order],
        label=label[order],
        labels=labels,
        minor_units=minor_units,
        usage_scale=usage_scale,
        **{name: column[order] for name, column in columns.items()},
    )


def offsets_of_counts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each segment starts, and where the last ends, shape (n + 1,)."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def too_large(key: str, amount: float, scale: int) -> ConfigurationError:
    """Return what to raise for an amount of more integers than float64 counts exactly."""
    expected = (
        f"expected at most {LARGEST_QUANTITY / scale:g} at a scale of {scale}; "
        "declare a smaller one in [features.usage_scale]"
    )
    summary = "an amount is too large to be counted exactly"
    return ConfigurationError(summary, [Mistake(key, f"{amount:g}", expected)])


def _columns(
    events: pa.Table,
    customer: NDArray[np.int64],
    minor_units: int,
    metric_scale: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:
    kind_names = pa.array([kind.name for kind in KINDS])
    kind = _numbers(pc.index_in(_flat(events, "kind"), value_set=kind_names), -1)
    quantity_scale = np.where(kind == KIND_CODES["usage"], metric_scale, QUANTITY_SCALE)
    scale = np.where(_MONEY[kind], minor_units, quantity_scale)
    occurred = _instants(events, "occurred_at")
    recorded = _instants(events, "recorded_at", occurred)
    return {
        "visible": np.maximum(occurred, recorded),
        "effective": _instants(events, "effective_at", occurred),
        "kind": kind.astype(np.int8),
        "value": _scaled(events, "amount", scale),
        "list_value": _scaled(events, "list_amount", np.full(len(kind), minor_units)),
        "term_months": _numbers(_flat(events, "term_months"), 0).astype(np.int32),
        "subscription": _codes_within(_flat(events, "subscription_id"), customer),
        "basket": _codes_within(_flat(events, "basket_id"), customer),
    }


def _sorted_order(
    customer: NDArray[np.int64], occurred: Instants, events: pa.Table
) -> NDArray[np.int64]:
    ids = _flat(events, "event_id")
    if _is_sorted(customer, occurred, ids):
        return np.arange(len(customer))
    rank = np.empty(len(customer), dtype=np.int64)
    rank[pc.array_sort_indices(ids).to_numpy()] = np.arange(len(customer))
    return np.lexsort((rank, occurred, customer))


def _is_sorted(customer: NDArray[np.int64], occurred: Instants, ids: pa.Array) -> bool:
    same_customer = customer[1:] == customer[:-1]
    tied = same_customer & (occurred[1:] == occurred[:-1])
    ahead = (customer[1:] > customer[:-1]) | (same_customer & (occurred[1:] > occurred[:-1]))
    if not bool(np.all(ahead | tied)):
        return False
    pairs = pa.array(np.flatnonzero(tied))
    in_order = pc.less_equal(ids.take(pairs), ids.take(pc.add(pairs, 1)))
    return pc.all(in_order).as_py() is not False


def _codes_within(texts: pa.Array, customer: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return numbers from 1 by (customer, text), so that equal texts of two customers differ."""
    codes, _ = _codes(texts)
    present = codes >= 0
    if not present.any():
        return np.zeros(len(codes), dtype=np.int32)
    pairs = customer[present] * (int(codes.max()) + 1) + codes[present]
    numbers = np.zeros(len(codes), dtype=np.int32)
    numbers[present] = np.unique(pairs, return_inverse=True)[1] + 1
    return numbers


def _codes(texts: pa.Array) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    encoded = texts.dictionary_encode()
    codes = _numbers(encoded.indices, -1).astype(np.int32)
    return codes, tuple(encoded.dictionary.to_pylist())


def _scaled(events: pa.Table, name: str, scale: NDArray[np.int64]) -> NDArray[np.int64]:
    amounts = pc.fill_null(_flat(events, name).cast(pa.float64()), float("nan")).to_numpy(
        zero_copy_only=False
    )
    scaled = np.rint(np.nan_to_num(amounts, nan=0.0) * scale)
    if scaled.max(initial=0.0) > LARGEST_QUANTITY:
        row = int(np.argmax(scaled))
        kind, label = (events.column(of)[row].as_py() for of in ("kind", "label"))
        whose = kind if label is None else f"{kind} of {label!r}"
        raise too_large(f"{name} of {whose}", amounts[row], int(scale[row]))
    return np.where(np.isnan(amounts), MISSING, scaled.astype(np.int64))


def _flat(events: pa.Table, name: str) -> pa.Array:
    column = events.column(name)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _strings(events: pa.Table, name: str) -> list[str]:
    return list(pc.unique(events.column(name)).to_pylist())


def _numbers(column: pa.Array, null: int) -> NDArray[np.int64]:
    filled = pc.fill_null(column.cast(pa.int64()), null)
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.int64)


def _instants(events: pa.Table, name: str, default: Instants | None = None) -> Instants:
    column = _flat(events, name).cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    if default is None:
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.int64)
    absent = np.asarray(column.is_null().to_numpy(zero_copy_only=False))
    return np.where(absent, default, _numbers(column, 0))
