"""What the customers table says about each customer of a history."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.months import NEVER, Instants


@dataclass(frozen=True)
class Profiles:
    """Hold facts about customers, one entry a customer.

    `acquired` is NEVER where unknown, `acquisition_cost` NaN where unknown; `attributes` maps a
    declared attribute to texts (None where unknown) or numbers (NaN where unknown).
    `is_referred` says whether the table names who referred the customer.
    """

    acquired: Instants
    acquisition_cost: NDArray[np.float64]
    acquisition_channel: NDArray[np.object_]
    is_referred: NDArray[np.bool_]
    attributes: dict[str, NDArray[np.generic]] = field(default_factory=dict)

    def value(self, attribute: str, level: str | None) -> NDArray[np.float64]:
        """Return 1 where the attribute has the level, or the attribute itself as a number."""
        values = self.attributes.get(attribute)
        if values is None:
            return np.full(len(self.acquired), np.nan if level is None else 0.0)
        if level is None:
            return values.astype(np.float64)
        return (values.astype(object) == level).astype(np.float64)

    def known_at(self, as_of: int, is_seen: NDArray[np.bool_] | None = None) -> "Profiles":
        """Return the profiles without the attributes and referrers of those not known yet.

        A customer is known since `acquired_at`; where that is unknown, since an event of theirs
        was visible, which `is_seen` says at `as_of` (by default of all). `features.vocabulary`
        counts levels by the same rule.
        """
        seen = np.ones(len(self.acquired), dtype=bool) if is_seen is None else is_seen
        is_known = np.where(self.acquired == NEVER, seen, self.acquired < as_of)
        if is_known.all():
            return self
        hidden = {name: _hidden(values, ~is_known) for name, values in self.attributes.items()}
        return replace(self, is_referred=self.is_referred & is_known, attributes=hidden)

    def other_level(self, attribute: str, levels: tuple[str, ...]) -> NDArray[np.float64]:
        """Return 1 where the attribute is known and none of the levels."""
        values = self.attributes.get(attribute)
        if values is None:
            return np.zeros(len(self.acquired))
        others = [value is not None and value not in levels for value in values]
        return np.array(others, dtype=np.float64)

    def customers(self, kept: NDArray[np.int64]) -> "Profiles":
        """Return the profiles of some customers."""
        return Profiles(
            self.acquired[kept],
            self.acquisition_cost[kept],
            self.acquisition_channel[kept],
            self.is_referred[kept],
            {name: values[kept] for name, values in self.attributes.items()},
        )


def unknown_profiles(n_customers: int) -> Profiles:
    """Return the profiles of customers about whom nothing but events is known."""
    return Profiles(
        np.full(n_customers, NEVER),
        np.full(n_customers, np.nan),
        np.full(n_customers, None, dtype=object),
        np.zeros(n_customers, dtype=bool),
    )


def profiles_of(
    customers: pa.Table | None, customer_ids: Sequence[str], attributes: Sequence[str]
) -> Profiles:
    """Return the profiles of these customers, in this order, from the customers table."""
    if customers is None or not customers.num_rows:
        return unknown_profiles(len(customer_ids))
    known = customers.column("customer_id")
    position = pc.index_in(pa.array(customer_ids, pa.string()), value_set=known.combine_chunks())
    rows = customers.take(position)
    return Profiles(
        acquired=_acquired(rows),
        acquisition_cost=_floats(_column(rows, "acquisition_cost", pa.float64())),
        acquisition_channel=texts_of(_column(rows, "acquisition_channel", pa.string())),
        is_referred=_is_known(_column(rows, "referred_by", pa.string())),
        attributes={name: _attribute(rows, name) for name in attributes},
    )


def is_number(type_: pa.DataType) -> bool:
    """Return whether an attribute of this type stands for itself, as a number."""
    types = pa.types
    return bool(types.is_integer(type_) or types.is_floating(type_) or types.is_decimal(type_))


def texts_of(column: pa.ChunkedArray) -> NDArray[np.object_]:
    """Return the texts that an attribute's levels are known by, None where it is null."""
    return np.array(column.cast(pa.string()).to_pylist(), dtype=object)


def _column(rows: pa.Table, name: str, type_: pa.DataType) -> pa.ChunkedArray:
    if name not in rows.column_names:
        return pa.chunked_array([pa.nulls(rows.num_rows, type_)])
    return rows.column(name)


def _acquired(rows: pa.Table) -> Instants:
    column = _column(rows, "acquired_at", pa.timestamp("us", tz="UTC"))
    numbers = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    return np.asarray(pc.fill_null(numbers, NEVER).to_numpy(), dtype=np.int64)


def _attribute(rows: pa.Table, name: str) -> NDArray[np.generic]:
    column = _column(rows, name, pa.string())
    return _floats(column) if is_number(column.type) else texts_of(column)


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    numbers = pc.fill_null(column.cast(pa.float64()), float("nan"))
    return np.asarray(numbers.to_numpy(), dtype=np.float64)


def _hidden(values: NDArray[np.generic], rows: NDArray[np.bool_]) -> NDArray[np.generic]:
    """Return an attribute with nothing known of these rows."""
    nothing: Any = None if values.dtype == object else np.nan
    kept = values.copy()
    kept[rows] = nothing
    return kept


def _is_known(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(column.is_valid().to_numpy(), dtype=bool)
