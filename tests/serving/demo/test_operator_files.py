"""The operator's raw files, read through the SELECTs of the configuration that comes with them."""

import tomllib
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from features.contract import CUSTOMER_COLUMNS, EVENT_COLUMNS, KIND_CODES, PLAN_COLUMNS, PLAN_KINDS
from features.rules import CustomerRules
from serving.demo.instants import instants
from serving.demo.operator import Operator, simulate_operator
from serving.demo.parameters import OperatorParameters, Regime

COLUMNS = {"events": EVENT_COLUMNS, "customers": CUSTOMER_COLUMNS, "plans": PLAN_COLUMNS}
READERS = {".parquet": "read_parquet", ".jsonl": "read_json_auto"}
WORLD = OperatorParameters()
SPOTLESS = replace(WORLD, blemishes=replace(WORLD.blemishes, late_share=0.0, dirty_share=0.0))


def _selected(folder: Path) -> dict[str, list[pd.DataFrame]]:
    """Run every source's SELECT; return its tables with times in UTC by what they go into."""
    tables: dict[str, list[pd.DataFrame]] = {"events": [], "customers": [], "plans": []}
    for source in tomllib.loads((folder / "keepworth.toml").read_text())["sources"]:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for name, path in source["files"].items():
                reader = READERS.get(Path(path).suffix, "read_csv_auto")
                connection.execute(
                    f"CREATE VIEW {name} AS SELECT * FROM {reader}('{folder / path}')"
                )
            frame = connection.sql(source["select"]).df()
        tables[source["into"]].append(_in_utc(frame, source.get("time_zone")))
    return tables


def _in_utc(frame: pd.DataFrame, zone: str | None) -> pd.DataFrame:
    for column in ("occurred_at", "recorded_at", "effective_at", "acquired_at"):
        if column in frame and frame[column].dt.tz is None:
            frame[column] = frame[column].dt.tz_localize(zone).dt.tz_convert("UTC")
        elif column in frame:
            frame[column] = frame[column].dt.tz_convert("UTC")
    return frame


@pytest.fixture(scope="module")
def blemished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("operator")
    simulate_operator(600, seed=4).write(folder)
    return folder


@pytest.fixture(scope="module")
def tables(blemished: Path) -> dict[str, list[pd.DataFrame]]:
    return _selected(blemished)


@pytest.fixture(scope="module")
def spotless() -> Operator:
    return simulate_operator(400, seed=8, params=SPOTLESS)


@pytest.fixture(scope="module")
def events(spotless: Operator, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("spotless")
    spotless.write(folder)
    events = pd.concat(_selected(folder)["events"], ignore_index=True)
    return events.sort_values(["customer_id", "occurred_at"], kind="stable", ignore_index=True)


def test_every_source_yields_only_columns_of_the_contract(
    tables: dict[str, list[pd.DataFrame]],
) -> None:
    for into, frames in tables.items():
        allowed = {*COLUMNS[into], *(["age_band", "region"] if into == "customers" else [])}
        for frame in frames:
            assert set(frame.columns) <= allowed


def test_the_business_section_satisfies_the_rules_that_features_share(blemished: Path) -> None:
    business = tomllib.loads((blemished / "keepworth.toml").read_text())["business"]
    shared = {key: value for key, value in business.items() if key in CustomerRules.model_fields}
    rules = CustomerRules.model_validate(shared)
    assert (rules.contract, rules.term_end, rules.currency) == ("subscription", "rolls", "EUR")


def test_raw_files_do_not_have_the_shape_of_the_contract(blemished: Path) -> None:
    for path in (blemished / "raw").glob("*.csv*"):
        assert "customer_id" not in pd.read_csv(path, nrows=1).columns


def test_dirty_rows_are_there_but_far_below_the_limit(
    tables: dict[str, list[pd.DataFrame]],
) -> None:
    events = pd.concat(tables["events"], ignore_index=True)
    unknown_kind = ~events["kind"].isin(KIND_CODES)
    dirty = unknown_kind | events["customer_id"].isna() | (events["amount"] < 0)
    assert unknown_kind.any()
    assert 0.001 < dirty.mean() < 0.004


def test_about_three_readings_in_a_hundred_are_recorded_days_later(
    tables: dict[str, list[pd.DataFrame]],
) -> None:
    events = pd.concat(tables["events"], ignore_index=True)
    usage = events[events["kind"] == "usage"]
    late = (usage["recorded_at"] - usage["occurred_at"]) >= pd.Timedelta(days=1)
    assert 0.025 < late.mean() < 0.035


def test_spotless_files_hold_only_known_kinds_and_no_row_after_the_export(
    events: pd.DataFrame,
) -> None:
    until = pd.Timestamp("2025-01-01", tz="UTC")
    assert events["kind"].isin(KIND_CODES).all()
    assert (events["occurred_at"] < until).all()
    assert (events["recorded_at"].dropna() < until).all()


def test_no_event_of_a_customer_precedes_the_subscription(events: pd.DataFrame) -> None:
    subscribed = events[events["kind"] == "subscribe"].set_index("customer_id")["occurred_at"]
    assert len(subscribed) == 400
    assert subscribed.index.is_unique
    assert (events["occurred_at"] >= events["customer_id"].map(subscribed)).all()


def test_a_discounts_end_comes_after_the_subscription_it_was_booked_with(
    events: pd.DataFrame,
) -> None:
    first_moves = events[events["kind"].isin(PLAN_KINDS)].sort_values(
        ["customer_id", "occurred_at", "event_id"]
    )
    assert (first_moves.groupby("customer_id")["kind"].first() == "subscribe").all()


def test_local_times_come_back_as_the_instants_of_the_simulation(
    spotless: Operator, events: pd.DataFrame
) -> None:
    people = spotless.history.newcomers
    subscribed = events[events["kind"] == "subscribe"].sort_values("customer_id")
    expected = pd.DatetimeIndex(instants(people.joined, people.start_day), tz="UTC")
    assert (subscribed["occurred_at"].to_numpy() == expected.to_numpy()).all()


def test_notices_are_recorded_a_month_before_they_take_effect(events: pd.DataFrame) -> None:
    notices = events[(events["kind"] == "cancel") & (events["label"] == "voluntary")]
    ahead_days = (notices["effective_at"] - notices["occurred_at"]).dt.total_seconds() / 86_400
    assert len(notices) > 50
    assert ahead_days.between(28, 31.1).all()


def test_revenue_accrued_from_the_files_is_the_revenue_of_the_simulation(
    spotless: Operator, events: pd.DataFrame
) -> None:
    from_files = sum(_accrued(rows) for _, rows in events.groupby("customer_id"))
    months = spotless.history.observed
    simulated = sum(month.happenings.charges.revenue.sum() for month in months)
    assert from_files == pytest.approx(simulated, rel=1e-4)


def test_a_price_rise_is_recorded_customer_by_customer_and_accrues(tmp_path: Path) -> None:
    dearer = replace(SPOTLESS.plans, list_prices=(11.99, 23.99, 34.99, 49.99))
    risen = Regime(18, replace(SPOTLESS, plans=dearer))
    operator = simulate_operator(400, seed=8, params=SPOTLESS, later=risen)
    operator.write(tmp_path)
    tables = _selected(tmp_path)
    events = pd.concat(tables["events"], ignore_index=True)
    events = events.sort_values(["customer_id", "occurred_at"], kind="stable", ignore_index=True)
    [plans] = tables["plans"]
    assert plans["list_amount"].tolist() == [*SPOTLESS.plans.list_prices, *dearer.list_prices]
    assert str(plans["valid_from"].max())[:10] == "2023-07-01"
    from_files = sum(_accrued(rows) for _, rows in events.groupby("customer_id"))
    months = operator.history.observed
    simulated = sum(month.happenings.charges.revenue.sum() for month in months)
    assert from_files == pytest.approx(simulated, rel=1e-4)
    unmoved = simulate_operator(400, seed=8, params=SPOTLESS).history.observed
    assert simulated > 1.05 * sum(month.happenings.charges.revenue.sum() for month in unmoved)


def test_costs_and_tickets_in_the_files_are_those_of_the_simulation(
    spotless: Operator, events: pd.DataFrame
) -> None:
    dealings = [month.happenings.dealings for month in spotless.history.observed]
    costs = events.loc[events["kind"] == "cost", "amount"].sum()
    assert costs == pytest.approx(sum(month.event_costs().sum() for month in dealings))
    tickets = events.loc[events["kind"] == "support", "label"].value_counts()
    assert tickets.sum() == sum(month.tickets.sum() for month in dealings)
    assert tickets["high"] == sum(month.high_tickets.sum() for month in dealings)


def test_writing_twice_gives_the_same_bytes(spotless: Operator, tmp_path: Path) -> None:
    for name in ("first", "second"):
        spotless.write(tmp_path / name)
    for path in (tmp_path / "first").rglob("*.*"):
        if path.is_file():
            twin = tmp_path / "second" / path.relative_to(tmp_path / "first")
            assert path.read_bytes() == twin.read_bytes()


def test_the_readme_says_that_the_data_is_simulated(blemished: Path) -> None:
    assert "This data is simulated" in (blemished / "README.md").read_text()


def _accrued(rows: pd.DataFrame) -> float:
    """Accrue one customer's MRR over 2022 to 2024: price x months between changes, to the end."""
    moves = rows[rows["kind"].isin(PLAN_KINDS)]
    effective = moves["effective_at"].fillna(moves["occurred_at"]).dt.tz_convert(None).to_numpy()
    order = np.argsort(effective, kind="stable")
    starts = np.minimum(effective[order], _end(rows))
    prices = moves["amount"].to_numpy()[order]
    ends = np.append(starts[1:], _end(rows))
    spans = _months_elapsed(ends) - _months_elapsed(starts)
    return float(np.sum(prices * np.maximum(spans, 0.0)))


def _end(rows: pd.DataFrame) -> np.datetime64:
    """Return when the last notice that was not withdrawn takes effect."""
    cancels = rows[rows["kind"] == "cancel"]
    withdrawn = int((rows["kind"] == "cancel_withdrawn").sum())
    if len(cancels) == withdrawn:
        return np.datetime64("2025-01-01")
    last = cancels.iloc[-1]
    end = last["occurred_at"] if pd.isna(last["effective_at"]) else last["effective_at"]
    return np.datetime64(end.tz_convert(None))


def _months_elapsed(moments: np.ndarray) -> np.ndarray:
    """Return calendar months, with their fraction, from the start of 2022 to each moment."""
    bounded = np.clip(
        moments.astype("datetime64[us]"), np.datetime64("2022-01-01"), np.datetime64("2025-01-01")
    )
    month = bounded.astype("datetime64[M]")
    start, following = month.astype("datetime64[us]"), (month + 1).astype("datetime64[us]")
    return month.astype(int) - 52 * 12 + (bounded - start) / (following - start)
