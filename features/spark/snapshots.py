"""Snapshots by Spark: the signals of every customer at one or several instants, in one pass."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from features.asked import Asked, Inputs, asked_at
from features.building import Building, publish_folder, snapshot_key
from features.canary import require_no_leak, sampled
from features.instants import instant_of
from features.rules import CustomerRules
from features.signal import Signal
from features.snapshots import Snapshot, SnapshotRun, Tell, signal_table, snapshot_in
from features.spark.output import PART, write_elsewhere, written_parts
from features.spark.population import asked_of_tables
from features.spark.stream import Part, parts_of
from features.spark.tables import SparkTables, local_path, quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Places = Mapping[datetime, str]
_PARTITIONS_A_CANARY = 20
"""Of so many partitions one is watched: few customers are enough to find a wrong definition."""


def write_snapshots_by_spark(
    tables: SparkTables, inputs: Inputs, places: Places, tell: Tell = lambda _what, _share: None
) -> SnapshotRun:
    """Write what `write_snapshots` does, by Spark; columns and values are equal to the bit.

    A canary looks at a few customers; if a signal knew what was not visible yet, the job fails
    and nothing is published.

    Parameters
    ----------
    places
        The folder of each instant: a path, or a URL of any file system that Spark reads. On this
        machine's a snapshot of the log that is up to date is left as it is, and all instants with
        the same signals share one pass; elsewhere each instant is a table of its own.
    """
    began = time.monotonic()
    wanted = [
        as_of for as_of, place in places.items() if not _is_there(tables, inputs, as_of, place)
    ]
    asked = _asked(tables, inputs, wanted) if wanted else []
    for number, together in enumerate(_passes(asked, places)):
        tell(f"features of {len(together)} of {len(wanted)} instants", number / len(wanted))
        _write(tables, inputs, together, places)
    snapshots = [
        _described(tables, as_of, place, as_of in wanted) for as_of, place in places.items()
    ]
    return SnapshotRun(
        tuple(snapshots),
        events=tables.n_events() if wanted else 0,
        seconds=time.monotonic() - began,
        workers=tables.session.sparkContext.defaultParallelism,
        peak_memory_bytes=None,
    )


def _is_there(tables: SparkTables, inputs: Inputs, as_of: datetime, place: str) -> bool:
    folder = local_path(place)
    if folder is None or not tables.are_of_the_log:
        return False
    return Building(folder, snapshot_key(inputs, as_of)).is_published


def _asked(tables: SparkTables, inputs: Inputs, as_ofs: Sequence[datetime]) -> list[Asked]:
    if tables.are_of_the_log:
        return list(asked_at(inputs, as_ofs))
    return asked_of_tables(tables, inputs.rules, inputs.attributes, as_ofs)


def _passes(asked: Sequence[Asked], places: Places) -> Iterator[tuple[Asked, ...]]:
    """Yield what one table can hold and one writing can publish."""
    for _, alike in groupby(asked, lambda each: (each.signals, Path(places[each.as_of]).parent)):
        together = tuple(alike)
        if local_path(places[together[0].as_of]) is None:
            yield from ((each,) for each in together)
        else:
            yield together


def _write(tables: SparkTables, inputs: Inputs, asked: tuple[Asked, ...], places: Places) -> None:
    latest = max(each.as_of for each in asked)
    rows = tables.rows_by_customer(inputs.attributes, latest)
    work = partial(_signal_batches, inputs.rules, inputs.attributes, asked)
    found = rows.mapInArrow(work, _schema(asked[0].signals))
    folders = [local_path(places[each.as_of]) for each in asked]
    if None in folders:
        write_elsewhere(found.drop(PART), places[asked[0].as_of])
        return
    local = [folder for folder in folders if folder is not None]
    parts = [_part_of(each) for each in asked]
    with written_parts(found, local[0].parent, parts) as written:
        for each, folder, part in zip(asked, local, written, strict=True):
            key = snapshot_key(inputs, each.as_of) if tables.are_of_the_log else None
            publish_folder(part, folder, key)


def _signal_batches(
    rules: CustomerRules,
    attributes: Sequence[str],
    asked: tuple[Asked, ...],
    batches: Iterable[pa.RecordBatch],
) -> Iterator[pa.RecordBatch]:
    """Run the kernel in a worker, on each block for every instant."""
    is_watched = _is_watched()
    for part in parts_of(batches, rules, attributes):
        for each in asked:
            if is_watched:
                _watch(part, rules, each)
            table = signal_table(part.block, rules, each)
            names = pa.repeat(pa.scalar(_part_of(each)), table.num_rows)
            yield from table.append_column(PART, names).to_batches()
        is_watched = False


def _is_watched() -> bool:
    """Whether the first block of this partition is held against the canary."""
    from pyspark import TaskContext

    context = TaskContext.get()
    return context is not None and context.partitionId() % _PARTITIONS_A_CANARY == 0


def _watch(part: Part, rules: CustomerRules, asked: Asked) -> None:
    block = part.block
    seen = np.diff(block.history.visible_before(instant_of(asked.as_of)).offsets)
    chosen = sampled(np.flatnonzero(seen))
    events = part.events_of(block.history.customer_ids[chosen].tolist())
    require_no_leak(events, block.profiles.customers(chosen), rules, asked)


def _part_of(asked: Asked) -> str:
    return str(instant_of(asked.as_of))


def _schema(signals: Sequence[Signal]) -> str:
    columns = ", ".join(f"{quoted(signal.name)} double" for signal in signals)
    return f"customer_id string, as_of timestamp, {columns}, {PART} string"


def _described(tables: SparkTables, as_of: datetime, place: str, is_new: bool) -> Snapshot:  # noqa: FBT001 -- private
    folder = local_path(place)
    if folder is not None:
        return snapshot_in(folder, as_of, is_new=is_new)
    written: DataFrame = tables.session.read.parquet(place)
    return Snapshot(as_of, place, written.count(), len(written.columns) - 2, is_new)
