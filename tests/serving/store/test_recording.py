"""What becomes of posted events; on SQLite and on PostgreSQL."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count, permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.store.database import LiveStore
from serving.store.live_events import LiveEvent, live_history
from serving.store.recording import record_events
from tests.serving.store.conftest import OpenStore
from tests.serving.store.posted import NOON, SmallLog, event

_NUMBERS = count()
TIMES = ["occurred_at", "recorded_at", "effective_at"]


def _ids(store: LiveStore, *customer_ids: str) -> list[str]:
    return sorted(live_history(store, customer_ids).events.column("event_id").to_pylist())


def test_what_was_recorded_is_read_back_as_it_was(open_store: OpenStore) -> None:
    full = LiveEvent(
        *("é-1", "c", "subscribe", NOON, NOON + 1, NOON + 2),
        *("s", 19.99, 24.99, "Smart", 12, "b"),
    )
    plain = event(1)
    assert record_events(open_store(), [full, plain], SmallLog()) == ["accepted", "accepted"]
    table = live_history(open_store(), ["c"]).events
    times = [table.column(name).cast("int64") for name in TIMES]
    assert [sorted(column.to_pylist(), key=str) for column in times] == [
        sorted((getattr(one, name) for one in (full, plain)), key=str) for name in TIMES
    ]
    said = table.drop_columns(TIMES).to_pylist()
    whole = [one._asdict() for one in (full, plain)]
    expected = [{k: v for k, v in row.items() if k not in TIMES} for row in whole]
    assert sorted(said, key=str) == sorted(expected, key=str)


def test_only_the_customers_asked_for_are_read(store: LiveStore) -> None:
    record_events(store, [event(1, "a"), event(2, "b"), event(3, "c")], SmallLog())
    assert _ids(store, "a", "c", "nobody") == ["e1", "e3"]
    assert _ids(store) == []


def test_the_latest_instant_is_that_of_the_last_to_become_visible(store: LiveStore) -> None:
    assert live_history(store, []).latest_instant == 0
    record_events(store, [event(5), event(1)], SmallLog())
    assert live_history(store, []).latest_instant == NOON + 6_000_000
    record_events(store, [event(2)], SmallLog())
    assert live_history(store, []).latest_instant == NOON + 6_000_000


def test_the_same_again_is_a_duplicate_whenever_it_is_heard(store: LiveStore) -> None:
    record_events(store, [event(1)], SmallLog())
    again = event(1, recorded_at=NOON + 99_000_000)
    assert record_events(store, [again, again], SmallLog()) == ["duplicate", "duplicate"]
    assert live_history(store, ["c"]).events.num_rows == 1
    assert live_history(store, []).latest_instant == event(1).visible_at


def test_the_same_id_with_other_content_is_a_conflict_and_overwrites_nothing(
    store: LiveStore,
) -> None:
    record_events(store, [event(1)], SmallLog())
    others = [event(1, amount=2.0), event(1, customer_id="d"), event(1, occurred_at=NOON)]
    assert record_events(store, others, SmallLog()) == ["conflict"] * 3
    assert live_history(store, ["c", "d"]).events.column("amount").to_pylist() == [1.0]


def test_repeats_within_a_call_are_told_from_contradictions(store: LiveStore) -> None:
    events = [event(1), event(1), event(1, amount=3.0)]
    assert record_events(store, events, SmallLog()) == ["accepted", "duplicate", "conflict"]


def test_an_id_of_the_log_is_known(store: LiveStore) -> None:
    log = SmallLog([event(1, recorded_at=NOON), event(2, "other")])
    events = [event(1), event(1, amount=2.0), event(2), event(3)]
    outcomes = record_events(store, events, log)
    assert outcomes == ["duplicate", "conflict", "conflict", "accepted"]
    assert _ids(store, "c") == ["e3"]


def test_twenty_threads_have_one_effect(open_store: OpenStore) -> None:
    stores = [open_store() for _ in range(2)]
    events = [event(number) for number in range(5)]
    with ThreadPoolExecutor(20) as pool:
        outcomes = list(
            pool.map(lambda n: record_events(stores[n % 2], events, SmallLog()), range(20))
        )
    assert sorted(outcome for found in outcomes for outcome in found) == (
        ["accepted"] * 5 + ["duplicate"] * 95
    )
    assert _ids(stores[0], "c") == [f"e{number}" for number in range(5)]


def test_more_events_than_one_statement_can_name(store: LiveStore) -> None:
    events = [event(number, f"c{number}") for number in range(2500)]
    assert set(record_events(store, events, SmallLog())) == {"accepted"}
    assert set(record_events(store, events, SmallLog())) == {"duplicate"}
    assert len(_ids(store, *(f"c{number}" for number in range(2500)))) == 2500


def test_every_order_of_arrival_ends_in_the_same_state(open_store: OpenStore) -> None:
    store = open_store()
    for number, order in enumerate(permutations(range(3))):
        for one in order:
            customer = f"p{number}"
            said = event(one, customer, event_id=f"{customer}-{one}")
            record_events(store, [said], SmallLog())
            record_events(store, [said], SmallLog())
        told = live_history(store, [customer]).events.sort_by("event_id")
        assert told.column("occurred_at").cast("int64").to_pylist() == [
            event(one).occurred_at for one in range(3)
        ]


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(groups=st.lists(st.lists(st.tuples(st.integers(0, 6), st.floats(0, 2)), max_size=5)))
def test_the_first_content_of_an_id_stays(open_store: OpenStore, groups) -> None:
    store = open_store()
    prefix = f"h{next(_NUMBERS)}-"
    first: dict[str, float] = {}
    for group in groups:
        events = [event(n, "h", event_id=f"{prefix}{n}", amount=amount) for n, amount in group]
        outcomes = record_events(store, events, SmallLog())
        for said, outcome in zip(events, outcomes, strict=True):
            known = first.setdefault(said.event_id, said.amount)
            assert (outcome == "conflict") == (known != said.amount)
    table = live_history(store, ["h"]).events
    kept = dict(
        zip(table.column("event_id").to_pylist(), table.column("amount").to_pylist(), strict=True)
    )
    assert first.items() <= kept.items()


def test_ids_of_a_log_are_made_ready_before_the_turn_to_write_is_taken(
    open_store: OpenStore,
) -> None:
    other = open_store()

    class Unready(SmallLog):
        """Take the writer's turn when first asked, as whoever writes meanwhile."""

        is_ready = False

        def known(self, event_ids: Sequence[str]) -> set[str]:
            if not self.is_ready:
                with other.writing():
                    self.is_ready = True
            return super().known(event_ids)

    assert record_events(open_store(), [event(1)], Unready()) == ["accepted"]
