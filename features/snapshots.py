"""Batch features: one row a customer and `as_of`, bucket by bucket, all or nothing an `as_of`."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.blocks import Block, blocks
from features.catalogue import catalogue, signal_matrix
from features.instants import instant_of
from features.kernel import Moment
from features.log import Log
from features.rules import CustomerRules
from features.signal import Signal
from features.vocabulary import vocabulary_of


@dataclass(frozen=True)
class Snapshot:
    """Name what was written for one `as_of`."""

    as_of: datetime
    folder: Path
    customers: int
    signals: int


def write_snapshot(
    log: Log, rules: CustomerRules, attributes: list[str], as_of: datetime, folder: Path
) -> Snapshot:
    """Write every signal of every customer visible at `as_of` into a folder of Parquet files.

    One file a bucket, sorted by customer_id: `customer_id`, `as_of`, then one float64 column a
    signal, null where it has no value. An earlier snapshot in the folder is replaced as a whole.
    """
    vocabulary = vocabulary_of(log, attributes, as_of)
    signals = catalogue(rules.contract, vocabulary)
    building = folder.with_name(f".{folder.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    customers = 0
    for number, block in enumerate(blocks(log, rules, attributes, as_of)):
        table = signal_table(block, rules, as_of, signals)
        pq.write_table(table, building / f"features-{number:03d}.parquet", compression="zstd")
        customers += table.num_rows
    shutil.rmtree(folder, ignore_errors=True)
    building.rename(folder)
    return Snapshot(as_of, folder, customers, len(signals))


def signal_table(
    block: Block, rules: CustomerRules, as_of: datetime, signals: tuple[Signal, ...]
) -> pa.Table:
    """Return the signals of a block's customers as a table, NaN as null."""
    moment = Moment(block.history, block.profiles, instant_of(as_of), rules)
    values = signal_matrix(moment, signals)
    n_customers = block.history.n_customers
    columns: dict[str, pa.Array] = {
        "customer_id": pa.array(block.history.customer_ids, pa.string()),
        "as_of": pa.array([as_of] * n_customers, pa.timestamp("us", tz="UTC")),
    }
    for number, signal in enumerate(signals):
        columns[signal.name] = pa.array(values[:, number], pa.float64(), from_pandas=True)
    return pa.table(columns)
