"""Who an event is: its own id, or a hash of what it says and how often that was said."""

import hashlib
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from features.contract import EVENT_COLUMNS
from features.instants import instant_of

CONTENT_COLUMNS = tuple(column for column in EVENT_COLUMNS if column != "event_id")

_SEPARATOR, _NULL = "\x1f", "\x1e"
_SCALE = 1e6


def event_id_of(row: Mapping[str, Any], ordinal: int = 1) -> str:
    """Return the id of an event that brought none, equal to the one that ingest gives it.

    Parameters
    ----------
    row
        The typed event: text, aware datetimes, floats; what is left out is null. `recorded_at`
        defaults to `occurred_at`.
    ordinal
        Its place, from 1, among events that say exactly the same.

    Notes
    -----
    md5 over the contract's columns in order, joined by chr(31), null as chr(30), times as
    microseconds since the epoch, amounts as whole millionths rounded half away from zero.
    """
    full = {**row, "recorded_at": row.get("recorded_at") or row.get("occurred_at")}
    text = _SEPARATOR.join(_canonical(column, full.get(column)) for column in CONTENT_COLUMNS)
    return f"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}-{ordinal}"


def digest_sql() -> str:
    """Return the SQL twin of `event_id_of`, without the ordinal, over a typed row."""
    fields = (f"coalesce({_canonical_sql(column)}, chr(30))" for column in CONTENT_COLUMNS)
    return f"md5(concat_ws(chr(31), {', '.join(fields)}))"


def content_sql() -> str:
    """Return a 64-bit hash of all that an event says beside its id, for one DuckDB version."""
    return f"hash({', '.join(CONTENT_COLUMNS)})"


def _canonical(column: str, value: Any) -> str:
    if value is None or value == "":
        return _NULL
    if isinstance(value, datetime):
        return str(instant_of(value))
    if EVENT_COLUMNS[column] == "DOUBLE":
        return str(_half_away_from_zero(float(value) * _SCALE))
    return str(int(value)) if column == "term_months" else str(value)


def _half_away_from_zero(number: float) -> int:
    size = abs(number)
    whole = math.floor(size)
    rounded = whole + 1 if size - whole >= 0.5 else whole
    return rounded if number >= 0 else -rounded


def _canonical_sql(column: str) -> str:
    match EVENT_COLUMNS[column]:
        case "TIMESTAMPTZ":
            return f"CAST(epoch_us({column}) AS VARCHAR)"
        case "DOUBLE":
            return f"CAST(TRY_CAST(round({column} * {_SCALE!r}) AS HUGEINT) AS VARCHAR)"
        case "INTEGER":
            return f"CAST(TRY_CAST({column} AS INTEGER) AS VARCHAR)"
        case _:
            return column
