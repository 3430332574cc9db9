"""Snapshots by Spark equal those of the local engine, to the bit, for every customer."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.asked import Inputs
from features.history import NO_SCALES
from features.ingest.run import ingest
from features.log import Log
from features.mistakes import InputRefusedError
from features.snapshots import write_snapshots
from features.spark.rules import SparkRules
from features.spark.session import SparkFailedError, spark_session
from features.spark.snapshots import write_snapshots_by_spark
from features.spark.tables import SparkTables, file_url
from serving.configuration import read_configuration
from serving.demo.operator import simulate_operator
from tests.running_spark import SMALL_BATCHES, running_spark
from tests.shop import write_shop

pytestmark = [pytest.mark.long, pytest.mark.spark]

AS_OFS = [datetime(2023, month, 1, tzinfo=UTC) for month in (3, 9, 12)]


@pytest.fixture(scope="module")
def session():
    return running_spark()


def operator(folder):
    simulate_operator(600, seed=5, months=18).write(folder)


def shop(folder):
    write_shop(folder, np.random.default_rng(3))


@pytest.fixture(scope="module", params=[operator, shop])
def inputs(request, session, tmp_path_factory) -> Inputs:
    """Return the log of a small business, in a folder that Spark's globs would misread."""
    folder = tmp_path_factory.mktemp("business") / "of [2] * {all}"
    folder.mkdir()
    request.param(folder)
    settings = read_configuration(folder / "keepworth.toml")
    rules = settings.business.model_copy(update={"usage_scale": {"data_gb": 10_000}})
    ingest(folder, folder / "state", settings.sources, rules, settings.ingest)
    attributes = tuple(settings.features.attributes)
    return Inputs(Log.open(folder / "state"), rules, attributes)


@pytest.fixture(scope="module")
def expected(inputs, tmp_path_factory) -> dict[datetime, pa.Table]:
    folder = tmp_path_factory.mktemp("local")
    folders = {as_of: folder / f"{as_of:%Y-%m-%d}" for as_of in AS_OFS}
    write_snapshots(inputs, folders)
    return {as_of: sorted_table(path) for as_of, path in folders.items()}


def sorted_table(folder: Path) -> pa.Table:
    return pq.read_table(folder).sort_by("customer_id")


def by_spark(inputs, rules, places, usage_scale=NO_SCALES):
    with spark_session(rules) as session:
        tables = SparkTables(session, rules, inputs.log, usage_scale)
        return write_snapshots_by_spark(tables, inputs, places)


def same_bits(one: pa.Table, other: pa.Table) -> bool:
    """Compare numbers as integers: equal numbers may hide the sign of a zero."""
    if not one.schema.equals(other.schema):
        return False
    return all(
        bits(left).equals(bits(right))
        for left, right in zip(one.columns, other.columns, strict=True)
    )


def bits(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return whole.view(pa.int64()) if whole.type == pa.float64() else whole


def test_all_instants_are_equal_to_the_bit_and_sorted(inputs, expected, tmp_path):
    places = {as_of: str(tmp_path / f"{as_of:%Y-%m-%d}") for as_of in AS_OFS}

    run = by_spark(inputs, SMALL_BATCHES, places)

    assert [snapshot.customers for snapshot in run.snapshots] == [
        table.num_rows for table in expected.values()
    ]
    assert run.snapshots[0].signals == expected[AS_OFS[0]].num_columns - 2
    for as_of, place in places.items():
        assert same_bits(sorted_table(Path(place)), expected[as_of])
        for file in Path(place).glob("*.parquet"):
            ids = pq.read_table(file).column("customer_id").to_pylist()
            assert ids == sorted(ids)


def test_a_snapshot_that_either_engine_made_is_up_to_date_for_both(inputs, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    by_spark(inputs, SMALL_BATCHES, {AS_OFS[0]: str(first)})
    write_snapshots(inputs, {AS_OFS[1]: second})

    assert not write_snapshots(inputs, {AS_OFS[0]: first}).snapshots[0].is_new
    assert not by_spark(inputs, SMALL_BATCHES, {AS_OFS[1]: str(second)}).snapshots[0].is_new


def test_tables_from_elsewhere_and_an_output_elsewhere_give_the_same(
    inputs, expected, session, tmp_path
):
    copied = tmp_path / "copied"
    rules = SMALL_BATCHES.model_copy(update=copied_tables(inputs.log, copied))
    elsewhere = inputs.rules.contract
    session.conf.set(f"fs.viewfs.mounttable.{elsewhere}.link./data", f"file://{tmp_path}")
    place = f"viewfs://{elsewhere}/data/snapshot"

    run = by_spark(inputs, rules, {AS_OFS[1]: place})

    assert run.snapshots[0].folder == place
    assert run.snapshots[0].customers == expected[AS_OFS[1]].num_rows
    assert same_bits(sorted_table(tmp_path / "snapshot"), expected[AS_OFS[1]])


def copied_tables(log: Log, folder: Path) -> dict[str, str]:
    """Copy the log's files below a folder; return what `[spark]` says of them."""
    places = {}
    for table in ("events", "customers", "plans"):
        for number, file in enumerate(log.files(table)):
            (folder / table).mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder / table / f"{number}.parquet")
            places[table] = f"file://{folder / table}"
    return places


def event(**changed):
    at = datetime(2023, 1, 1, tzinfo=UTC)
    whole = {"event_id": "e1", "customer_id": "a", "kind": "payment", "occurred_at": at}
    return whole | {"amount": 1.0} | changed


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"kind": "sale"}, "kind of event e1 is sale; expected one of subscribe, plan_change"),
        ({"customer_id": None}, "customer_id of event e1 is missing; give a value"),
        ({"event_id": ""}, "event_id of event without event_id is missing; give a value"),
        ({"amount": None}, "amount of event e1 is missing; give a value"),
        ({"amount": -1.0}, "amount of event e1 is -1.0; expected a number from 0 to"),
        ({"amount": float("nan")}, "amount of event e1 is NaN; expected a number from 0 to"),
        ({"kind": "assignment", "label": ""}, "label of event e1 is missing; give a value"),
        ({"kind": "cancel", "label": "it's"}, "label of event e1 is it's; expected voluntary,"),
        (
            {"kind": "usage", "label": "a\\b", "amount": 9e12},
            r"amount of event e1 is 9.0E12; expected a number from 0 to .* for usage of 'a\\\\b'",
        ),
        (
            {"occurred_at": datetime(1899, 12, 31, tzinfo=UTC)},
            "occurred_at of event e1 is .*; expected a time from 1900 to 2199",
        ),
    ],
)
def test_an_event_from_elsewhere_that_breaks_the_contract_is_named(
    session, inputs, tmp_path, changed, told
):
    schema = pa.schema(
        {
            **dict.fromkeys(("event_id", "customer_id", "kind", "label"), pa.string()),
            "occurred_at": pa.timestamp("us", tz="UTC"),
            "amount": pa.float64(),
        }
    )
    pq.write_table(pa.Table.from_pylist([event(**changed)], schema), tmp_path / "events.parquet")
    rules = SparkRules(events=str(tmp_path / "events.parquet"))

    with pytest.raises(InputRefusedError, match=told):
        by_spark(inputs, rules, {AS_OFS[1]: str(tmp_path / "snapshot")}, {r"a\b": 10_000})

    assert not (tmp_path / "snapshot").exists()


def test_a_customer_from_elsewhere_that_breaks_the_contract_is_named(session, inputs, tmp_path):
    columns = {"customer_id": ["ann"], "acquisition_cost": [-1.0]}
    customers = pa.table(columns | {name: ["any"] for name in inputs.attributes})
    pq.write_table(customers, tmp_path / "customers.parquet")
    rules = SparkRules(customers=str(tmp_path / "customers.parquet"))

    with pytest.raises(InputRefusedError, match=r"acquisition_cost of customer ann is -1\.0"):
        by_spark(inputs, rules, {AS_OFS[1]: str(tmp_path / "snapshot")})


def test_a_worker_that_fails_is_told_in_one_line(session):
    def fail(batches):
        raise ValueError("there is no room for this block.")
        yield from batches

    with (
        pytest.raises(SparkFailedError) as failure,
        spark_session(SparkRules()) as running,
    ):
        running.range(3).mapInArrow(fail, "id long").collect()

    assert str(failure.value) == (
        "Spark could not finish: ValueError: there is no room for this block."
    )


def test_settings_of_a_session_that_was_there_before_are_set_back(session):
    session.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    with spark_session(SparkRules()) as running:
        assert running.conf.get("spark.sql.session.timeZone") == "UTC"

    assert session.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
    assert session.range(2).count() == 2


def test_a_path_is_found_whatever_signs_it_has(session, tmp_path):
    folder = tmp_path / "a [b] {c} * ? \\ ü"
    folder.mkdir()
    pq.write_table(pa.table({"n": [1, 2]}), folder / "n.parquet")

    assert session.read.parquet(file_url(folder / "n.parquet")).count() == 2
