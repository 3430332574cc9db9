"""The events of some customers, from the log and from what was posted since, each once."""

from collections.abc import Sequence
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.contract import KIND_CODES
from features.event_columns import Span, columns_of_spans
from features.history import History, history_from_events, history_of_columns
from features.log import EVENT_SCHEMA
from features.rules import CustomerRules
from serving.store.copies import MappedEvents, key_of
from serving.store.live_events import LiveEvent, event_table
from serving.store.logged_events import LoggedEvents


class CustomerEvents:
    """Hold what is known of some customers as it was read; some may have no events."""

    def __init__(
        self, logged: LoggedEvents, live: Sequence[LiveEvent], customer_ids: Sequence[str]
    ) -> None:
        """Look the customers up in the log, and leave out of what is live what it has by now."""
        self._logged: dict[str, list[tuple[MappedEvents, int, int]]] = {}
        for customer_id in customer_ids:
            spans = (
                (source, *source.span_of(customer_id)) for source in logged.sources_of(customer_id)
            )
            self._logged[customer_id] = [span for span in spans if span[1] < span[2]]
        self._live = self._not_logged(live)

    @cached_property
    def customer_ids(self) -> frozenset[str]:
        """Of whom there are events."""
        seen = (customer_id for customer_id, spans in self._logged.items() if spans)
        return frozenset((*seen, *(event.customer_id for event in self._live)))

    @cached_property
    def table(self) -> pa.Table:
        """The events in the columns of the log, in no set order."""
        parts = [
            source.table.slice(first, last - first)
            for spans in self._logged.values()
            for source, first, last in spans
        ]
        return pa.concat_tables([EVENT_SCHEMA.empty_table(), *parts, event_table(self._live)])

    def history(self, rules: CustomerRules) -> History:
        """Return the history of the customers who have events.

        Raises
        ------
        ConfigurationError
            If an amount is too large for its scale.
        """
        ids = sorted(self.customer_ids)
        if not ids:
            return history_from_events(self.table, rules.minor_units, ids, rules.usage_scale)
        live = _LiveSource(self._live)
        spans = [
            Span(source, number, first, last)
            for number, customer_id in enumerate(ids)
            for source, first, last in (
                *self._logged.get(customer_id, ()),
                *live.spans.get(customer_id, ()),
            )
        ]
        columns = columns_of_spans(spans)
        return history_of_columns(ids, columns, rules.minor_units, rules.usage_scale)

    def _not_logged(self, live: Sequence[LiveEvent]) -> Sequence[LiveEvent]:
        """Return the events whose ids the log does not have for the same customer."""
        ids = [
            source.event_ids(first, last)
            for customer_id in {event.customer_id for event in live}
            for source, first, last in self._logged.get(customer_id, ())
        ]
        if not ids:
            return live
        posted = pa.array([event.event_id for event in live], pa.string())
        is_logged = pc.is_in(posted, value_set=pa.concat_arrays(ids)).to_pylist()
        return [event for event, there in zip(live, is_logged, strict=True) if not there]


class _LiveSource:
    """Hold posted events as `features.event_columns.EventSource`."""

    def __init__(self, events: Sequence[LiveEvent]) -> None:
        self._events = sorted(events, key=attrgetter("customer_id", "occurred_at", "event_id"))
        codes: dict[str, int] = {}
        label = [
            -1 if event.label is None else codes.setdefault(event.label, len(codes))
            for event in self._events
        ]
        self.labels = tuple(codes)
        self.arrays = _arrays(self._events, label)
        self.spans: dict[str, list[tuple[_LiveSource, int, int]]] = {}
        """Where the events of each customer are who has some."""
        first = 0
        for customer_id, own in groupby(self._events, key=attrgetter("customer_id")):
            last = first + sum(1 for _ in own)
            self.spans[customer_id] = [(self, first, last)]
            first = last

    def event_ids(self, first: int, last: int) -> pa.Array:
        """Return the ids of events first to last - 1."""
        return pa.array([event.event_id for event in self._events[first:last]], pa.string())


def _arrays(events: Sequence[LiveEvent], label: Sequence[int]) -> dict[str, NDArray[Any]]:
    occurred = np.array([event.occurred_at for event in events], np.int64)
    effective = [
        event.occurred_at if event.effective_at is None else event.effective_at for event in events
    ]
    whose = [event.customer_id for event in events]
    keys = {
        "subscription": [event.subscription_id for event in events],
        "basket": [event.basket_id for event in events],
    }
    return {
        "occurred": occurred,
        "visible": np.array([event.visible_at for event in events], np.int64),
        "effective": np.array(effective, np.int64),
        "kind": np.array([KIND_CODES[event.kind] for event in events], np.int8),
        "label": np.array(label, np.int32),
        # As float64 None is NaN.
        "amount": np.array([event.amount for event in events], np.float64),
        "list_amount": np.array([event.list_amount for event in events], np.float64),
        "term_months": np.array([event.term_months or 0 for event in events], np.int32),
        **{
            name: np.array(list(map(key_of, whose, texts)), np.uint64)
            for name, texts in keys.items()
        },
    }
