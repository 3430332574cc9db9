"""Customers given with the call: their events judged and typed as ingest would, as tables."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from features.catalogue import Vocabulary
from features.contract import CUSTOMER_COLUMNS, EVENT_COLUMNS, LARGEST_MONEY, LARGEST_QUANTITY
from features.ingest.checks import event_checks, faults_of
from features.ingest.defects import Check
from features.ingest.identity import CONTENT_COLUMNS, event_id_of
from features.instants import instant_from_text
from features.log import EVENT_SCHEMA, arrow_schema
from features.mistakes import Mistake
from serving.api.current import EventTable, Tables
from serving.api.decoding import shown
from serving.api.problems import UNFIT, Problem
from serving.api.requests import Happened, InlineCustomer
from training.bundle import Bundle

TIMES = ("occurred_at", "recorded_at", "effective_at")
_MOST_MISTAKES = 100
Row = dict[str, Any]


def tables_of_inline(
    customers: Sequence[InlineCustomer], bundle: Bundle, keys: Sequence[str]
) -> Tables:
    """Return the tables that ingest would make of these customers.

    `keys` says for each customer where it stands in the request, for messages.

    Raises
    ------
    Problem
        422, naming every event and value at fault.
    """
    mistakes: list[Mistake] = []
    events: list[Row] = []
    profiles: list[Row] = []
    checks = event_checks(bundle.business.usage_scale)
    for customer, key in zip(customers, keys, strict=True):
        typed = [
            typed_event(event, customer.customer_id, f"{key}.events[{position}]", checks, mistakes)
            for position, event in enumerate(customer.events)
        ]
        if not mistakes:
            events.extend(_once_each(typed, f"{key}.events", mistakes))
        profiles.append(_profile(customer, bundle.vocabulary, key, mistakes))
    require_none(mistakes)
    return Tables(EventTable(event_table(events)), _customer_table(profiles, bundle.vocabulary))


def require_none(mistakes: Sequence[Mistake]) -> None:
    """Refuse the call if there are mistakes; the first hundred are named."""
    if mistakes:
        count = f"{len(mistakes)} values are" if len(mistakes) > 1 else "A value is"
        detail = f"{count} not as the contract wants; {mistakes[0]}."
        raise Problem(UNFIT, detail, mistakes[:_MOST_MISTAKES])


def event_table(rows: Sequence[Row]) -> pa.Table:
    """Return typed events with the columns of the log."""
    return pa.Table.from_pylist(list(rows), schema=EVENT_SCHEMA)


def typed_event(
    event: Happened, customer_id: str, key: str, checks: Sequence[Check], mistakes: list[Mistake]
) -> Row:
    """Return an event as the log would hold it; what is wrong with it joins `mistakes`."""
    row: Row = {"customer_id": customer_id}
    unread: list[Mistake] = []
    for column in EVENT_COLUMNS:
        value = getattr(event, column, None)
        if column in TIMES:
            row[column] = instant_of_text(value, f"{key}.{column}", unread)
        elif column != "customer_id":
            row[column] = None if value == "" else value
    row["recorded_at"] = row["recorded_at"] or row["occurred_at"]
    found = (mistake_of(sentence) for sentence in faults_of(row, checks))
    mistakes.extend(unread or (replace(fault, key=f"{key}.{fault.key}") for fault in found))
    return row


def instant_of_text(text: str | None, key: str, mistakes: list[Mistake]) -> datetime | None:
    """Return an instant, None where there is none; a faulty one joins `mistakes`."""
    if text is None:
        return None
    try:
        return instant_from_text(text)
    except (ValueError, OverflowError) as error:
        expected = "expected a time with zone from 1900 to 2199, such as 2024-01-31T12:00:00Z"
        mistakes.append(Mistake(key, shown(text), f"{expected} ({error})"))
        return None


def mistake_of(sentence: str) -> Mistake:
    """Take apart a sentence of the form `column is value; expectation`."""
    column, _, said = sentence.partition(" is ")
    value, _, expected = said.rpartition("; ")
    return Mistake(column, value, expected)


def _once_each(rows: Sequence[Row], key: str, mistakes: list[Mistake]) -> list[Row]:
    """Return events with the ids that ingest gives, each once; contradictions are mistakes."""
    said: dict[str, tuple[Any, ...]] = {}
    ordinals: Counter[str] = Counter()
    kept: list[Row] = []
    for position, row in enumerate(rows):
        content = tuple(row[column] for column in CONTENT_COLUMNS)
        event_id = row["event_id"] or _given_id(row, ordinals)
        if event_id not in said:
            said[event_id] = content
            kept.append(row | {"event_id": event_id})
        elif said[event_id] != content:
            expected = "expected one content for one id; an event above says something else"
            mistakes.append(Mistake(f"{key}[{position}].event_id", shown(event_id), expected))
    return kept


def _given_id(row: Row, ordinals: Counter[str]) -> str:
    first = event_id_of(row)
    ordinals[first] += 1
    return first if ordinals[first] == 1 else event_id_of(row, ordinals[first])


def _profile(
    customer: InlineCustomer, vocabulary: Vocabulary, key: str, mistakes: list[Mistake]
) -> Row:
    for name, value in customer.attributes.items():
        expected = _expected_of(name, value, vocabulary.levels)
        if expected:
            mistakes.append(Mistake(f"{key}.attributes.{name}", shown(value), expected))
    cost = customer.acquisition_cost
    if cost is not None and not 0 <= cost <= LARGEST_MONEY:
        expected = f"expected a number from 0 to {LARGEST_MONEY:g}"
        mistakes.append(Mistake(f"{key}.acquisition_cost", shown(cost), expected))
    return {
        "customer_id": customer.customer_id,
        "acquired_at": instant_of_text(customer.acquired_at, f"{key}.acquired_at", mistakes),
        "acquisition_cost": cost,
        "acquisition_channel": customer.acquisition_channel or None,
        "referred_by": customer.referred_by or None,
        **customer.attributes,
    }


def _expected_of(
    name: str, value: str | float | None, levels: Mapping[str, tuple[str, ...] | None]
) -> str | None:
    """Return what was expected of an attribute, None where it is as it should be."""
    if name not in levels:
        known = f"one of {', '.join(levels)}" if levels else "none: this model uses no attributes"
        return f"no such attribute; expected {known}"
    if value is None:
        return None
    if levels[name] is not None:
        return None if isinstance(value, str) else "expected text"
    is_fit = not isinstance(value, str) and abs(value) <= LARGEST_QUANTITY
    return None if is_fit else f"expected a number up to {LARGEST_QUANTITY:g}"


def _customer_table(profiles: Sequence[Row], vocabulary: Vocabulary) -> pa.Table:
    attributes = [
        pa.field(name, pa.float64() if levels is None else pa.string())
        for name, levels in vocabulary.levels.items()
    ]
    schema = pa.schema([*arrow_schema(CUSTOMER_COLUMNS), *attributes])
    return pa.Table.from_pylist(list(profiles), schema=schema)


def latest_known(events: pa.Table) -> datetime:
    """Return when the last of some events had happened and was recorded."""
    times = (events.column(name).to_pylist() for name in ("occurred_at", "recorded_at"))
    return max(max(column) for column in times)
