"""Scores as the contract's `scores`: a table for batch, the same rows for the service.

One definition serves both, so that their numbers are equal to the bit.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.instants import datetime_of
from training.business import Business
from training.exit_kinds import KINDS, WITHIN_MONTHS
from training.forecast import Forecast
from training.scoring import CHURN_MONTHS, Scores

Values = NDArray[np.float64]
Column = Values | list[Any]
ACTIVE, LOST = "active", "lost"
_NO_PAYBACK = (
    "payback_month is null: acquisition date or cost is unknown, or not recovered in the horizon"
)
_NO_SEGMENT = {
    "subscription": "segment is null: the customer has no open subscription",
    "transactional": "segment is null: the customer has not bought yet",
}
NO_REASONS = (
    "reasons is null: explaining was not asked for, the customer is lost, or too few are there"
)
CHURN_BY_KIND = tuple(f"churn_{WITHIN_MONTHS}m_{kind}" for kind in KINDS)
NO_KINDS_OF_THE_LOST = tuple(
    f"{name} is null: the customer has no open subscription" for name in CHURN_BY_KIND
)
_INSTANT = pa.timestamp("us", tz="UTC")
_FIELDS_BEFORE_NAIVE: tuple[tuple[str, pa.DataType], ...] = (
    ("customer_id", pa.string()),
    ("as_of", _INSTANT),
    ("status", pa.string()),
    ("segment", pa.string()),
    ("model_version", pa.string()),
    *((f"churn_{months}m", pa.float64()) for months in CHURN_MONTHS),
    *((name, pa.float64()) for name in CHURN_BY_KIND),
    ("clv", pa.float64()),
    ("clv_median", pa.float64()),
    ("clv_low", pa.float64()),
    ("clv_high", pa.float64()),
    ("clv_sd", pa.float64()),
)
_FIELDS_AFTER_NAIVE: tuple[tuple[str, pa.DataType], ...] = (
    ("payback_month", pa.int32()),
    ("value_at_stake", pa.float64()),
    ("referral_value", pa.float64()),
    ("survival", pa.list_(pa.float64())),
    ("expected_margin", pa.list_(pa.float64())),
    ("reasons", pa.list_(pa.string())),
    ("warnings", pa.list_(pa.string())),
)


def score_table(scores: Scores, business: Business) -> pa.Table:
    """Return the contract's `scores`, one row a customer, in the order of `scores`.

    Money in major units and unrounded; null where there is no answer, said in `warnings`.
    `survival` and `expected_margin` have one entry a month of the horizon.
    """
    schema = score_schema(tuple(scores.naive))
    columns = _columns(scores, business)
    instants = pa.array(np.full(len(scores.customer_ids), scores.as_of), pa.int64())
    arrays = [
        instants.cast(_INSTANT) if field.name == "as_of" else _array(columns, field)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)


def score_rows(scores: Scores, business: Business) -> list[dict[str, Any]]:
    """Return the rows of `score_table` ready for JSON: `as_of` is ISO 8601 text in UTC."""
    as_of = datetime_of(scores.as_of).isoformat().replace("+00:00", "Z")
    rows = len(scores.customer_ids)
    columns = _columns(scores, business) | {"as_of": [as_of] * rows}
    names = score_columns(tuple(scores.naive))
    each = [_plain(columns[name]) if name in columns else [None] * rows for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*each, strict=True)]


def score_schema(naive_columns: tuple[str, ...]) -> pa.Schema:
    """Return the columns of `scores`, with those of the naive formulas in their place."""
    naive = ((name, pa.float64()) for name in naive_columns)
    return pa.schema([*_FIELDS_BEFORE_NAIVE, *naive, *_FIELDS_AFTER_NAIVE])


@lru_cache
def score_columns(naive_columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of `score_schema`."""
    return tuple(score_schema(naive_columns).names)


def _columns(scores: Scores, business: Business) -> dict[str, Column]:
    """Return the columns that are known, but `as_of`; NaN stands for null."""
    rows, forecast = len(scores.customer_ids), scores.forecast
    churn = {
        f"churn_{months}m": forecast.churn[:, months - 1]
        for months in CHURN_MONTHS
        if months <= forecast.churn.shape[1]
    }
    numbers = {
        **churn,
        **_churn_by_kind(forecast),
        "clv": scores.clv,
        "clv_median": scores.clv_median,
        "clv_low": scores.clv_low,
        "clv_high": scores.clv_high,
        "clv_sd": scores.clv_sd,
        **scores.naive,
        "value_at_stake": scores.value_at_stake,
        "referral_value": scores.referral_value,
        "expected_margin": forecast.expected_margin,
        **({} if forecast.survival is None else {"survival": forecast.survival}),
    }
    return {
        "customer_id": scores.customer_ids.tolist(),
        "status": [ACTIVE if there else LOST for there in forecast.is_customer.tolist()],
        "segment": scores.segment.tolist(),
        "model_version": [scores.model_version] * rows,
        # Without the sign that zero may bear.
        **{name: values + 0.0 for name, values in numbers.items()},
        "payback_month": _whole(scores.payback_month),
        "reasons": [_told(scores.reasons.get(one)) for one in scores.customer_ids],
        "warnings": list(_warnings(scores, business)),
    }


def _churn_by_kind(forecast: Forecast) -> dict[str, Values]:
    """Return three-month churn by kind of exit, which adds up to it; NaN for the lost."""
    if forecast.exit_shares is None:
        return {}
    churn = np.where(forecast.is_customer, forecast.churn[:, WITHIN_MONTHS - 1], np.nan)
    return dict(zip(CHURN_BY_KIND, forecast.exit_shares.T * churn, strict=True))


def _whole(values: Values) -> list[int | None]:
    return [None if math.isnan(value) else int(value) for value in values.tolist()]


def _told(reasons: Sequence[str] | None) -> list[str] | None:
    return None if reasons is None else list(reasons)


def _array(columns: Mapping[str, Column], field: pa.Field) -> pa.Array:
    """Return a column as Arrow has it, all null where it is not known."""
    column = columns.get(field.name)
    if column is None:
        return pa.nulls(len(columns["customer_id"]), field.type)
    if isinstance(column, list):
        return pa.array(column, field.type)
    values = pa.array(column.ravel(), pa.float64(), from_pandas=True)
    if column.ndim == 1:
        return values
    offsets = np.arange(len(column) + 1, dtype=np.int32) * column.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _plain(column: Column) -> list[Any]:
    """Return a column as plain values, None where it is null."""
    if isinstance(column, list):
        return column
    missing = np.isnan(column)
    values: list[Any] = (_with_none(column, missing) if missing.any() else column).tolist()
    return values


def _with_none(column: Values, missing: NDArray[np.bool_]) -> NDArray[np.object_]:
    values = column.astype(object)
    values[missing] = None
    return values


def _warnings(scores: Scores, business: Business) -> Iterator[list[str]]:
    no_segment = _NO_SEGMENT[business.contract]
    is_told = scores.forecast.is_customer | (scores.forecast.exit_shares is None)
    each = zip(scores.customer_ids, scores.segment, scores.payback_month, strict=True)
    for row, (customer_id, segment, payback) in enumerate(each):
        own = [no_segment] if segment is None else []
        if not is_told[row]:
            own += NO_KINDS_OF_THE_LOST
        own += [_NO_PAYBACK] if np.isnan(payback) else []
        own += [] if customer_id in scores.reasons else [NO_REASONS]
        yield [*scores.outside.get(row, ()), *scores.warnings, *own]
