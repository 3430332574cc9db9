"""Scores as the contract's `scores`: a table for batch, the same rows for the service.

One definition serves both, so that their numbers are equal to the bit.
"""

from collections.abc import Iterator
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
    columns = {
        "customer_id": pa.array(scores.customer_ids, pa.string()),
        **_identity(scores),
        **_numbers(scores),
        **_curves(scores),
        "reasons": _reasons(scores),
        "warnings": pa.array(list(_warnings(scores, business)), pa.list_(pa.string())),
    }
    schema = score_schema(tuple(scores.naive))
    rows = len(scores.customer_ids)
    arrays = [columns.get(field.name, pa.nulls(rows, field.type)) for field in schema]
    return pa.table(arrays, schema=schema)


def score_rows(scores: Scores, business: Business) -> list[dict[str, Any]]:
    """Return the rows of `score_table` ready for JSON: `as_of` is ISO 8601 text in UTC."""
    as_of = datetime_of(scores.as_of).isoformat().replace("+00:00", "Z")
    return [row | {"as_of": as_of} for row in score_table(scores, business).to_pylist()]


def score_schema(naive_columns: tuple[str, ...]) -> pa.Schema:
    """Return the columns of `scores`, with those of the naive formulas in their place."""
    naive = ((name, pa.float64()) for name in naive_columns)
    return pa.schema([*_FIELDS_BEFORE_NAIVE, *naive, *_FIELDS_AFTER_NAIVE])


def _identity(scores: Scores) -> dict[str, pa.Array]:
    rows = len(scores.customer_ids)
    status = np.where(scores.forecast.is_customer, ACTIVE, LOST)
    return {
        "as_of": pa.array(np.full(rows, scores.as_of), pa.int64()).cast(_INSTANT),
        "status": pa.array(status.tolist(), pa.string()),
        "segment": pa.array(scores.segment, pa.string()),
        "model_version": pa.array([scores.model_version] * rows, pa.string()),
    }


def _numbers(scores: Scores) -> dict[str, pa.Array]:
    churn = {
        f"churn_{months}m": scores.forecast.churn[:, months - 1]
        for months in CHURN_MONTHS
        if months <= scores.forecast.churn.shape[1]
    }
    values = {
        **churn,
        **_churn_by_kind(scores.forecast),
        "clv": scores.clv,
        "clv_median": scores.clv_median,
        "clv_low": scores.clv_low,
        "clv_high": scores.clv_high,
        "clv_sd": scores.clv_sd,
        **scores.naive,
        "value_at_stake": scores.value_at_stake,
        "referral_value": scores.referral_value,
    }
    named = {name: _floats(column) for name, column in values.items()}
    payback = pa.array(scores.payback_month, pa.float64(), from_pandas=True)
    return named | {"payback_month": payback.cast(pa.int32())}


def _churn_by_kind(forecast: Forecast) -> dict[str, Values]:
    """Return three-month churn by kind of exit, which adds up to it; NaN for the lost."""
    if forecast.exit_shares is None:
        return {}
    churn = np.where(forecast.is_customer, forecast.churn[:, WITHIN_MONTHS - 1], np.nan)
    return dict(zip(CHURN_BY_KIND, forecast.exit_shares.T * churn, strict=True))


def _curves(scores: Scores) -> dict[str, pa.Array]:
    curves = {"expected_margin": _lists(scores.forecast.expected_margin)}
    if scores.forecast.survival is not None:
        curves["survival"] = _lists(scores.forecast.survival)
    return curves


def _reasons(scores: Scores) -> pa.Array:
    told = [scores.reasons.get(customer_id) for customer_id in scores.customer_ids]
    return pa.array(told, pa.list_(pa.string()))


def _floats(values: Values) -> pa.Array:
    """Return values with NaN as null, and without the sign that zero may bear."""
    return pa.array(values + 0.0, pa.float64(), from_pandas=True)


def _lists(curves: Values) -> pa.Array:
    n_rows, n_months = curves.shape
    offsets = pa.array(np.arange(n_rows + 1, dtype=np.int32) * n_months)
    return pa.ListArray.from_arrays(offsets, _floats(curves.ravel()))


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
