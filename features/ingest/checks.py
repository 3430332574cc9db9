"""The rules that every row must meet, once, as data.

`features.ingest.checks_sql` turns them into SQL for millions of rows; `faults_of` judges one
event in Python. Both say the same sentences about the same row.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any
from zoneinfo import available_timezones

from features.contract import (
    EVENT_COLUMNS,
    KIND_CODES,
    KINDS,
    LARGEST_MONEY,
    LARGEST_QUANTITY,
    LONGEST_TERM_MONTHS,
)
from features.history import QUANTITY_SCALE
from features.ingest.defects import (
    FRACTIONAL,
    MISSING,
    NOT_FINITE,
    OUT_OF_RANGE,
    SHOWN_CHARACTERS,
    WITH_NUL,
    Check,
    above,
    below,
    not_among,
)


def present(column: str, kinds: tuple[str, ...] = ()) -> Check:
    """Return the rule that a column has a value, for events of these kinds."""
    of_kind = f" for {', '.join(kinds)}" if kinds else ""
    return Check(f"{column} missing{of_kind}", column, MISSING, "give a value", kinds)


def _without_nul(column: str) -> Check:
    return Check(f"{column} with a NUL byte", column, WITH_NUL, "expected text without NUL bytes")


def _in_range(column: str) -> Check:
    expected = "expected a time from 1900 to 2199"
    return Check(f"{column} out of range", column, OUT_OF_RANGE, expected)


def _amount(column: str, largest: float, kinds: tuple[str, ...] = ()) -> tuple[Check, ...]:
    expected = f"expected a number from 0 to {largest:g}"
    return (
        Check(f"{column} not finite", column, NOT_FINITE, expected, kinds),
        Check(f"{column} negative", column, below(0.0), expected, kinds),
        Check(f"{column} too large", column, above(largest), expected, kinds),
    )


def _text_columns(columns: Mapping[str, str]) -> list[str]:
    return [column for column, sql_type in columns.items() if sql_type == "VARCHAR"]


_MONEY_KINDS = tuple(kind.name for kind in KINDS if kind.is_money)
_QUANTITY_KINDS = tuple(kind.name for kind in KINDS if not kind.is_money and kind.name != "usage")
_TERM = f"expected a whole number from 1 to {LONGEST_TERM_MONTHS}"
UNKNOWN_KIND = Check(
    "kind unknown", "kind", not_among(KIND_CODES), f"expected one of {', '.join(KIND_CODES)}"
)

_EVENT_CHECKS: tuple[Check, ...] = (
    *(present(column) for column in ("customer_id", "kind", "occurred_at")),
    UNKNOWN_KIND,
    *(_without_nul(column) for column in _text_columns(EVENT_COLUMNS)),
    *(_in_range(column) for column in ("occurred_at", "recorded_at", "effective_at")),
    *(present("amount", (kind.name,)) for kind in KINDS if kind.amount == "required"),
    *_amount("amount", LARGEST_MONEY, _MONEY_KINDS),
    *_amount("amount", LARGEST_QUANTITY / QUANTITY_SCALE, _QUANTITY_KINDS),
    *_amount("list_amount", LARGEST_MONEY),
    *(present("label", (kind.name,)) for kind in KINDS if kind.label == "required"),
    *(
        Check(
            f"label unknown for {kind.name}",
            "label",
            not_among(kind.labels),
            f"expected {', '.join(kind.labels)} or none for {kind.name}",
            (kind.name,),
        )
        for kind in KINDS
        if kind.labels
    ),
    Check("term_months not finite", "term_months", NOT_FINITE, _TERM),
    Check("term_months fractional", "term_months", FRACTIONAL, _TERM),
    Check("term_months too small", "term_months", below(1), _TERM),
    Check("term_months too large", "term_months", above(LONGEST_TERM_MONTHS), _TERM),
)

CUSTOMER_CHECKS: tuple[Check, ...] = (
    present("customer_id"),
    _without_nul("customer_id"),
    _without_nul("referred_by"),
    _in_range("acquired_at"),
    *_amount("acquisition_cost", LARGEST_MONEY),
    Check(
        "time_zone unknown",
        "time_zone",
        not_among(available_timezones()),
        "expected a zone of the IANA database such as Europe/Vienna",
    ),
)

PLAN_CHECKS: tuple[Check, ...] = (
    present("plan"),
    _without_nul("plan"),
    present("list_amount"),
    *_amount("list_amount", LARGEST_MONEY),
    _in_range("valid_from"),
    *_amount("allowance", LARGEST_QUANTITY),
)


def event_checks(usage_scale: Mapping[str, int]) -> tuple[Check, ...]:
    """Return the rules of events where usage of these metrics has a scale of its own."""
    metrics = tuple(usage_scale)
    return (
        *_EVENT_CHECKS,
        *_usage_checks("usage of a metric without a scale", QUANTITY_SCALE, other_labels=metrics),
        *(
            check
            for metric, scale in usage_scale.items()
            for check in _usage_checks(f"usage of {metric!r}", scale, labels=(metric,))
        ),
    )


def _usage_checks(
    what: str, scale: int, labels: tuple[str, ...] = (), other_labels: tuple[str, ...] = ()
) -> Iterator[Check]:
    *others, too_large = _amount("amount", LARGEST_QUANTITY / scale, ("usage",))
    rule = f"{too_large.rule} for {what}"
    expected = f"{too_large.expected} for {what}, or a smaller scale in [features.usage_scale]"
    for check in (*others, replace(too_large, rule=rule, expected=expected)):
        yield replace(check, labels=labels, other_labels=other_labels)


def faults_of(event: Mapping[str, Any], checks: Sequence[Check]) -> list[str]:
    """Return a sentence for every rule that an event breaks; none means that it is sound.

    Values are typed as in the log: text or None, aware datetimes, floats; a column that is
    left out is null, and empty text counts as null.
    """
    row = {column: event.get(column) for column in EVENT_COLUMNS}
    row |= {column: None for column, value in row.items() if value == ""}
    return [_sentence(check, row[check.column]) for check in checks if _fails(check, row)]


def kind_hint(kind: str) -> str:
    """Return a suggestion to add to the fault of an unknown kind, or nothing."""
    close = get_close_matches(kind, KIND_CODES, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _fails(check: Check, row: Mapping[str, Any]) -> bool:
    if check.kinds and row["kind"] not in check.kinds:
        return False
    if (check.labels and row["label"] not in check.labels) or row["label"] in check.other_labels:
        return False
    value = row[check.column]
    return check.defect is MISSING if value is None else check.defect.is_met(value)


def _sentence(check: Check, value: Any) -> str:
    hint = kind_hint(value) if check is UNKNOWN_KIND else ""
    return f"{check.column} is {_shown(value)}; {check.expected}{hint}"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"'{value[:SHOWN_CHARACTERS]}'".replace("\0", "\\0")
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return "missing" if value is None else repr(float(value))
