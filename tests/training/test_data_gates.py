"""Gates before training: faults of a month's data, planted one by one, and none without a fault."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.instants import instant_of
from features.log import Log
from tests.training.worlds import ingested_log, operator_business
from training.data_gates import data_gates, trend_to_newest
from training.gate import closed
from training.recent_periods import times_of
from training.retraining_rules import RetrainingRules

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 240
END = BEGIN + timedelta(days=DAYS)
RULES = RetrainingRules()


def steady_events(seed: int = 1) -> pd.DataFrame:
    """Return eight months of payments, usage and failures, as many each day but for chance."""
    rng = np.random.default_rng(seed)
    parts = []
    for kind, a_day, middle, label in (
        ("payment", 8, 30.0, "Basic"),
        ("usage", 20, 5.0, "minutes"),
        ("payment_failed", 2, 30.0, "card"),
    ):
        n = int(rng.poisson(a_day * DAYS))
        seconds = np.sort(rng.integers(0, DAYS * 86_400, n))
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": [f"c{number}" for number in rng.integers(0, 300, n)],
                    "kind": kind,
                    "occurred_at": [BEGIN + timedelta(seconds=int(s)) for s in seconds],
                    "amount": np.round(middle * rng.lognormal(0, 0.3, n), 2),
                    "label": label,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def gates_closed(folder: Path, events: pd.DataFrame, now: datetime = END) -> list[str]:
    log = log_of(folder, events)
    return [gate.name for gate in closed(data_gates(log, instant_of(END), now, RULES))]


def log_of(folder: Path, events: pd.DataFrame) -> Log:
    table = pa.Table.from_pandas(events, preserve_index=False)
    for name in {"occurred_at", "recorded_at"} & set(table.column_names):
        place, instants = table.column_names.index(name), table.column(name)
        table = table.set_column(place, name, instants.cast(pa.timestamp("us", "UTC")))
    return ingested_log(folder, table, operator_business())


def newest_month(events: pd.DataFrame) -> pd.Series:
    return events["occurred_at"] >= END - timedelta(days=30)


@pytest.mark.parametrize("seed", range(2))
def test_a_steady_business_is_let_through(tmp_path: Path, seed: int) -> None:
    assert gates_closed(tmp_path, steady_events(seed)) == []


def test_half_a_month_missing_is_a_fault_of_volume(tmp_path: Path) -> None:
    events = steady_events()
    kept = ~(newest_month(events) & (np.arange(len(events)) % 2 == 0))
    assert gates_closed(tmp_path, events[kept]) == ["volume"]


def test_the_trend_of_a_business_that_grows_leads_to_more_than_it_ever_had() -> None:
    period = np.arange(1.0, 7.0)
    usual, spread = trend_to_newest(period, 1000 * 1.1 ** (6 - period))
    assert usual == pytest.approx(1000 * 1.1**6)
    assert spread == pytest.approx(np.sqrt(usual))


def test_one_odd_month_does_not_bend_the_trend() -> None:
    usual, _ = trend_to_newest(np.arange(1.0, 7.0), np.array([100, 100, 9, 100, 100, 100.0]))
    assert usual == pytest.approx(100)


def test_a_kind_that_has_ended_is_named(tmp_path: Path) -> None:
    events = steady_events()
    gone = newest_month(events) & (events["kind"] == "payment_failed")
    log = log_of(tmp_path, events[~gone])
    [gate] = closed(data_gates(log, instant_of(END), END, RULES))
    assert gate.name == "kinds"
    assert "payment_failed" in gate.found


def test_amounts_a_hundred_times_larger_are_a_change_of_unit(tmp_path: Path) -> None:
    events = steady_events()
    wrong = newest_month(events) & (events["kind"] == "payment")
    events.loc[wrong, "amount"] *= 100
    log = log_of(tmp_path, events)
    [gate] = closed(data_gates(log, instant_of(END), END, RULES))
    assert gate.name == "units"
    assert "payment" in gate.found
    assert "minor" in gate.way_out or "major unit" in gate.way_out


def test_labels_that_went_missing_are_told(tmp_path: Path) -> None:
    events = steady_events()
    wrong = newest_month(events) & (events["kind"] == "payment") & (np.arange(len(events)) % 3 == 0)
    events.loc[wrong, "label"] = None
    assert gates_closed(tmp_path, events) == ["nulls"]


def test_rows_sent_twice_under_other_ids_are_duplicates(tmp_path: Path) -> None:
    events = steady_events()
    twice = events[newest_month(events)].iloc[::8]
    assert gates_closed(tmp_path, pd.concat([events, twice])) == ["duplicates"]


def test_events_of_the_future_and_known_before_they_happened_are_time_travel(
    tmp_path: Path,
) -> None:
    now = END - timedelta(days=3)
    assert gates_closed(tmp_path, steady_events(), now) == ["time travel"]
    foreseen = steady_events().assign(
        recorded_at=lambda events: events["occurred_at"] - timedelta(days=2)
    )
    (tmp_path / "other").mkdir()
    assert gates_closed(tmp_path / "other", foreseen) == ["time travel"]


def test_stale_data_is_refused_where_a_bound_is_set(tmp_path: Path) -> None:
    log = log_of(tmp_path, steady_events())
    later = END + timedelta(days=9)
    bound = RetrainingRules(max_age_days=7)
    assert [g.name for g in closed(data_gates(log, instant_of(END), later, bound))] == ["freshness"]
    assert closed(data_gates(log, instant_of(END), later, RULES)) == []


def test_one_event_of_the_future_does_not_make_stale_data_fresh(tmp_path: Path) -> None:
    events = steady_events()
    later = END + timedelta(days=9)
    ahead = events.tail(1).assign(occurred_at=END + timedelta(days=20_000))
    log = log_of(tmp_path, pd.concat([events, ahead], ignore_index=True))
    bound = RetrainingRules(max_age_days=7)
    assert [g.name for g in closed(data_gates(log, instant_of(END), later, bound))] == ["freshness"]
    newest = times_of(log, later)[3]
    assert newest == events["occurred_at"].max()
    before_all = BEGIN - timedelta(days=1)
    assert times_of(log, before_all)[3] == events["occurred_at"].min()


def test_a_young_log_has_nothing_usual_yet(tmp_path: Path) -> None:
    events = steady_events()
    young = events[events["occurred_at"] >= END - timedelta(days=80)]
    gates = data_gates(log_of(tmp_path, young), instant_of(END), END, RULES)
    assert closed(gates) == []
    assert "nothing is usual yet" in gates[-1].found
