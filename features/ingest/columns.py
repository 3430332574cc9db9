"""How a selected column of any type becomes a column of the contract."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.contract import (
    CUSTOMER_COLUMNS,
    CUSTOMER_REQUIRED,
    EVENT_COLUMNS,
    EVENT_REQUIRED,
    PLAN_COLUMNS,
    PLAN_REQUIRED,
)
from features.ingest.checks_sql import fault_sql, shown_text_sql
from features.ingest.quoting import identifier, literal
from features.instants import DATE_PATTERN, OFFSET_PATTERN, TIME_PATTERN

TABLE_COLUMNS: dict[str, dict[str, str]] = {
    "events": EVENT_COLUMNS,
    "customers": CUSTOMER_COLUMNS,
    "plans": PLAN_COLUMNS,
}
TABLE_REQUIRED: dict[str, tuple[str, ...]] = {
    "events": EVENT_REQUIRED,
    "customers": CUSTOMER_REQUIRED,
    "plans": PLAN_REQUIRED,
}

EXAMPLE = "2024-01-31T12:00:00Z"

_TEXT_TYPES = ("VARCHAR", "ENUM", "UUID")
_INTEGER_TYPES = (
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
)
_FLOAT_TYPES = ("FLOAT", "DOUBLE")
_NUMBER_TYPES = (*_INTEGER_TYPES, *_FLOAT_TYPES, "DECIMAL")
_SCALAR_TYPES = (*_TEXT_TYPES, *_NUMBER_TYPES, "BOOLEAN", "DATE", "TIMESTAMP", "TIME")


class UnfitColumnError(TypeError):
    """Say that a column's type cannot become the contract's, and what would."""

    def __init__(self, expected: str, *, needs_zone: bool = False) -> None:
        super().__init__(expected)
        self.expected = expected
        self.needs_zone = needs_zone


@dataclass(frozen=True)
class TypedColumn:
    """Hold the SQL that types one column, and the fault of a value that cannot be typed."""

    name: str
    value: str
    fault: str | None = None


def typed_column(
    name: str, target: str, source: str | None, source_type: str, zone: str | None
) -> TypedColumn:
    """Return how `source`, of a DuckDB type, becomes column `name` of type `target`.

    Raises
    ------
    UnfitColumnError
        If no value of that type could become one of the target, or its times lack a zone.
    """
    if source is None or source_type == '"NULL"':
        return TypedColumn(name, f"CAST(NULL AS {_held_as(name, target)})")
    column, base = _readable(source, source_type)
    if target == "VARCHAR":
        return TypedColumn(name, _text(column, base))
    if target == "TIMESTAMPTZ":
        return _time(name, column, base, source_type, zone)
    if target == "BOOLEAN":
        return _boolean(name, column, base)
    return _number(name, column, base)


def attribute_sql(source: str, source_type: str) -> str:
    """Return a customer attribute as it is, with empty text as null.

    Raises
    ------
    UnfitColumnError
        If the column is nested or binary.
    """
    column, base = _readable(source, source_type)
    if source_type == '"NULL"':
        return "CAST(NULL AS VARCHAR)"
    return _text(column, base) if base in _TEXT_TYPES else _scalar(column, base)


def unread_sql(columns: Mapping[str, TypedColumn]) -> str:
    """Return the faults of values that could not be typed, as a list of structs; often empty."""
    faults = [column.fault for column in columns.values() if column.fault]
    empty = "CAST([] AS STRUCT(rule VARCHAR, sentence VARCHAR)[])"
    if not faults:
        return empty
    return f"list_filter([{', '.join(faults)}], lambda fault: fault IS NOT NULL)"


def _held_as(name: str, target: str) -> str:
    return "DOUBLE" if name == "term_months" else target


def _readable(source: str, source_type: str) -> tuple[str, str]:
    """Return the column and its type; JSON of mixed values counts as text."""
    column = identifier(source)
    return (
        (f"({column} ->> '$')", "VARCHAR")
        if source_type == "JSON"
        else (column, _base_of(source_type))
    )


def _base_of(source_type: str) -> str:
    if source_type.endswith("]"):
        return "LIST"
    base = source_type.partition("(")[0]
    return "TIMESTAMP" if base.startswith("TIMESTAMP_") else base


def _scalar(column: str, base: str) -> str:
    if base not in (*_SCALAR_TYPES, "TIMESTAMP WITH TIME ZONE"):
        raise UnfitColumnError("expected text or a number; select one field of it")
    return column


def _text(column: str, base: str) -> str:
    as_text = f"CAST({_scalar(column, base)} AS VARCHAR)"
    if base in _FLOAT_TYPES:
        whole = f"CAST(TRY_CAST({column} AS BIGINT) AS VARCHAR)"
        return f"CASE WHEN {column} = floor({column}) THEN {whole} ELSE {as_text} END"
    return f"nullif({as_text}, '')" if base in _TEXT_TYPES else as_text


def _number(name: str, column: str, base: str) -> TypedColumn:
    if base in _NUMBER_TYPES:
        return TypedColumn(name, f"CAST({column} AS DOUBLE)")
    if base not in _TEXT_TYPES:
        raise UnfitColumnError("expected a number")
    return _tried(name, column, f"TRY_CAST({column} AS DOUBLE)", "a number", literal(""))


def _boolean(name: str, column: str, base: str) -> TypedColumn:
    if base in ("BOOLEAN", *_INTEGER_TYPES):
        return TypedColumn(name, f"CAST({column} AS BOOLEAN)")
    if base not in _TEXT_TYPES:
        raise UnfitColumnError("expected true or false")
    return _tried(name, column, f"TRY_CAST({column} AS BOOLEAN)", "true or false", literal(""))


def _time(name: str, column: str, base: str, source_type: str, zone: str | None) -> TypedColumn:
    if base == "TIMESTAMP WITH TIME ZONE":
        return TypedColumn(name, f"CAST({column} AS TIMESTAMPTZ)")
    if base == "DATE":
        return TypedColumn(name, _in_zone(column, zone or "UTC"))
    if base == "TIMESTAMP":
        if zone is None:
            raise UnfitColumnError(
                'expected the zone of these times, such as time_zone = "Europe/Vienna"',
                needs_zone=True,
            )
        return TypedColumn(name, _in_zone(column, zone))
    if base in _TEXT_TYPES:
        return _time_text(name, f"CAST({column} AS VARCHAR)", zone)
    raise UnfitColumnError(
        f"expected a time; turn {source_type} into one in the select, "
        f"with to_timestamp(...) for seconds or make_timestamptz(...) for microseconds"
    )


def _time_text(name: str, text: str, zone: str | None) -> TypedColumn:
    local = _in_zone(f"TRY_CAST({text} AS TIMESTAMP)", zone) if zone else "NULL"
    value = (
        f"CASE WHEN {_matches(text, DATE_PATTERN)} "
        f"THEN {_in_zone(f'TRY_CAST({text} AS DATE)', zone or 'UTC')} "
        f"WHEN {_matches(text, DATE_PATTERN + TIME_PATTERN + OFFSET_PATTERN)} "
        f"THEN TRY_CAST({text} AS TIMESTAMPTZ) "
        f"WHEN {_matches(text, DATE_PATTERN + TIME_PATTERN)} THEN {local} END"
    )
    expected = f"an ISO 8601 time such as {EXAMPLE}; strptime in the select reads other forms"
    unzoned = _matches(text, DATE_PATTERN + TIME_PATTERN)
    hint = f"CASE WHEN {unzoned} THEN ' (or the time_zone of its source)' ELSE '' END"
    return _tried(name, text, value, expected, hint if zone is None else literal(""))


def _tried(name: str, column: str, value: str, expected: str, hint: str) -> TypedColumn:
    text = f"CAST({column} AS VARCHAR)"
    fault = fault_sql(
        f"{name} unreadable", name, shown_text_sql(text), f"expected {expected}", hint
    )
    condition = f"{text} <> '' AND ({value}) IS NULL"
    return TypedColumn(name, value, f"CASE WHEN {condition} THEN {fault} END")


def _in_zone(local: str, zone: str) -> str:
    return f"(CAST({local} AS TIMESTAMP) AT TIME ZONE {literal(zone)})"


def _matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {literal(pattern)})"
