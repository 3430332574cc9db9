"""Customers' events as sorted columns with offsets: the one input of signals and outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.contract import KIND_CODES, KINDS, LARGEST_QUANTITY
from features.event_columns import EventColumns, Rows, columns_of_events, flat, numbers_of
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
    names = pc.unique(events.column("customer_id")).to_pylist()
    ids = sorted(names) if customer_ids is None else customer_ids
    index = pa.array(ids, pa.string())
    customer = numbers_of(pc.index_in(flat(events, "customer_id"), value_set=index), -1)
    columns = columns_of_events(events, customer)
    in_order = columns.rows(_sorted_order(columns, flat(events, "event_id")))
    return history_of_columns(ids, in_order, minor_units, usage_scale)


def history_of_columns(
    customer_ids: Sequence[str],
    columns: EventColumns,
    minor_units: int,
    usage_scale: Mapping[str, int],
) -> History:
    """Build a history from events that are sorted by customer, occurred_at and event_id.

    Raises
    ------
    ConfigurationError
        If an amount is too large for its scale.
    """
    counts = np.bincount(columns.customer, minlength=len(customer_ids))
    scale = _scale(columns, minor_units, usage_scale)
    return History(
        customer_ids=np.array(customer_ids, dtype=object),
        offsets=offsets_of_counts(counts),
        occurred=columns.occurred,
        visible=columns.visible,
        effective=columns.effective,
        kind=columns.kind,
        label=columns.label,
        value=_scaled(columns, "amount", scale),
        list_value=_scaled(columns, "list_amount", np.broadcast_to(minor_units, scale.shape)),
        term_months=columns.term_months,
        subscription=_numbered(columns.subscription),
        basket=_numbered(columns.basket),
        labels=columns.labels,
        minor_units=minor_units,
        usage_scale=usage_scale,
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


def _sorted_order(columns: EventColumns, ids: pa.Array) -> Rows:
    if _is_sorted(columns.customer, columns.occurred, ids):
        return slice(None)
    rank = np.empty(len(ids), dtype=np.int64)
    rank[pc.array_sort_indices(ids).to_numpy()] = np.arange(len(ids))
    return np.lexsort((rank, columns.occurred, columns.customer))


def _is_sorted(customer: NDArray[np.int64], occurred: Instants, ids: pa.Array) -> bool:
    same_customer = customer[1:] == customer[:-1]
    tied = same_customer & (occurred[1:] == occurred[:-1])
    ahead = (customer[1:] > customer[:-1]) | (same_customer & (occurred[1:] > occurred[:-1]))
    if not bool(np.all(ahead | tied)):
        return False
    pairs = pa.array(np.flatnonzero(tied))
    in_order = pc.less_equal(ids.take(pairs), ids.take(pc.add(pairs, 1)))
    return pc.all(in_order).as_py() is not False


def _numbered(keys: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Return numbers from 1 in the order in which keys come first; 0 stays 0."""
    numbers = np.zeros(len(keys), dtype=np.int32)
    present = np.flatnonzero(keys)
    if len(present):
        _, first, member = np.unique(keys[present], return_index=True, return_inverse=True)
        number = np.empty(len(first), dtype=np.int32)
        number[np.argsort(first)] = np.arange(1, len(first) + 1)
        numbers[present] = number[member]
    return numbers


def _scale(
    columns: EventColumns, minor_units: int, usage_scale: Mapping[str, int]
) -> NDArray[np.int64]:
    """Return of how many integers a unit of each event's amount is, shape (n_events,)."""
    scales = [usage_scale.get(metric, QUANTITY_SCALE) for metric in columns.labels]
    of_metric = np.array([*scales, QUANTITY_SCALE])[columns.label]
    is_usage = columns.kind == KIND_CODES["usage"]
    return np.where(
        _MONEY[columns.kind], minor_units, np.where(is_usage, of_metric, QUANTITY_SCALE)
    )


def _scaled(
    columns: EventColumns, name: Literal["amount", "list_amount"], scale: NDArray[np.int64]
) -> NDArray[np.int64]:
    amounts: NDArray[np.float64] = getattr(columns, name)
    is_missing = np.isnan(amounts)
    scaled = np.rint(np.where(is_missing, 0.0, amounts) * scale)
    if scaled.max(initial=0.0) > LARGEST_QUANTITY:
        row = int(np.argmax(scaled))
        kind, label = KINDS[columns.kind[row]].name, (*columns.labels, None)[columns.label[row]]
        whose = kind if label is None else f"{kind} of {label!r}"
        raise too_large(f"{name} of {whose}", amounts[row], int(scale[row]))
    scaled[is_missing] = MISSING
    return scaled.astype(np.int64)
