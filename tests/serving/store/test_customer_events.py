"""Customers' events from several files and the live store: the history that their table makes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.contract import KINDS
from features.history import EVENT_ARRAYS, History, history_from_events
from features.ingest.appending import append_events
from features.ingest.batch import BatchName
from serving.store.customer_events import CustomerEvents
from serving.store.live_events import LiveEvent, event_table
from serving.store.logged_events import CurrentLog
from tests.serving.store.posted import event
from training.business import Business

CUSTOMERS = ["a", "b", "é", "nobody yet"]
RULES = Business(
    contract="subscription",
    currency="EUR",
    annual_discount_rate=0.1,
    usage_scale={"data_gb": 1_000_000},
)


def _drawn(number: int, rng: np.random.Generator) -> LiveEvent:
    """Return an event at one of few instants, so that many tie; what may be null often is."""

    def some(*values: Any) -> Any:
        return None if rng.random() < 0.4 else values[rng.integers(len(values))]

    kind = KINDS[rng.integers(len(KINDS))]
    minute = int(rng.integers(6))
    return event(
        minute,
        CUSTOMERS[rng.integers(3)],
        event_id=f"{rng.integers(10**6)}-{number}",
        kind=kind.name,
        label=kind.name if kind.label == "required" else some("data_gb", "minutes", "plan", "ü"),
        recorded_at=event(minute + int(rng.integers(-3, 4))).occurred_at,
        effective_at=some(event(int(rng.integers(9))).occurred_at),
        subscription_id=some("one", "two", "three"),
        basket_id=some("x", "y"),
        amount=float(rng.integers(10**6)) / 1000,
        list_amount=some(9.99, 0.0),
        term_months=some(1, 12),
    )


@pytest.mark.parametrize("seed", range(8))
def test_the_history_is_that_of_the_table_of_all_events(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    events = [_drawn(number, rng) for number in range(120)]
    first, second, live = events[:50], events[50:90], events[80:]
    for number, part in enumerate((first, second)):
        append_events(tmp_path, event_table(part), BatchName(f"batch-{number}", "ingest"))

    known = CustomerEvents(CurrentLog(tmp_path).now(), live, CUSTOMERS)

    found = known.history(RULES)
    wanted = history_from_events(event_table(events), RULES.minor_units, None, RULES.usage_scale)
    assert found.customer_ids.tolist() == wanted.customer_ids.tolist() == ["a", "b", "é"]
    assert found.offsets.tolist() == wanted.offsets.tolist()
    for name in EVENT_ARRAYS:
        if name != "label":
            assert getattr(found, name).tolist() == getattr(wanted, name).tolist(), name
    assert _labels(found) == _labels(wanted)
    ids = known.table.column("event_id").to_pylist()
    assert sorted(ids) == sorted(one.event_id for one in events)


@pytest.mark.parametrize("posted", [[], [event(1)]])
def test_before_the_first_batch_there_is_what_was_posted(
    tmp_path: Path, posted: list[LiveEvent]
) -> None:
    known = CustomerEvents(CurrentLog(tmp_path).now(), posted, ["c"])
    assert known.customer_ids == frozenset(one.customer_id for one in posted)
    assert known.history(RULES).n_customers == known.table.num_rows == len(posted)


def _labels(history: History) -> list[str | None]:
    return [(*history.labels, None)[code] for code in history.label]
