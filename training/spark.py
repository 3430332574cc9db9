"""Scores by Spark: the scoring function of batch and service, run where the events are."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.blocks import Block, block_of
from features.instants import datetime_of, instant_of
from features.months import shift_months
from features.spark.stream import blocks_of
from features.spark.tables import SparkTables, url_of
from training.bundle import Bundle
from training.bundle_files import load_bundle
from training.changes import CHANGE_COLUMNS, value_changes
from training.example_input import contract_table, example_events
from training.score_sums import SUMMED, ScoreSums, added, sums_of
from training.score_table import score_table
from training.scoring import score

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

CHANGE = "change"
"""Column that holds a customer's change of value in a month; null where there was none."""
_CHANGE_TYPES = {
    name: pa.string() if name.startswith(("customer_id", "segment")) else pa.float64()
    for name in CHANGE_COLUMNS
}


_SUM_COLUMNS = ", ".join(
    f"{field.name} {'bigint' if field.type is int else 'double'}" for field in fields(ScoreSums)
)


@dataclass(frozen=True)
class BundleFiles:
    """Carry a model version to workers as the bytes of its files: JSON and UBJ, never pickles."""

    files: tuple[tuple[str, bytes], ...]
    digest: str
    version: str

    @classmethod
    def read(cls, folder: Path, digest: str, version: str) -> Self:
        """Read the files of a registered version."""
        paths = sorted(path for path in folder.iterdir() if path.is_file())
        return cls(tuple((path.name, path.read_bytes()) for path in paths), digest, version)

    def load(self) -> Bundle:
        """Return the bundle, checked by its digest as everywhere."""
        with TemporaryDirectory() as folder:
            for name, content in self.files:
                (Path(folder) / name).write_bytes(content)
            return load_bundle(Path(folder), self.digest, self.version)


def score_frame(
    tables: SparkTables, files: BundleFiles, as_of: int, *, with_changes: bool
) -> "DataFrame":
    """Return the contract's `scores` of everybody visible before `as_of` (microseconds).

    With `with_changes` the column CHANGE holds what `value_changes` says of a month before.
    """
    bundle = _loaded(files)
    work = partial(_score_batches, files, as_of, with_changes=with_changes)
    attributes = list(bundle.vocabulary.levels)
    rows = tables.rows_by_customer(attributes, datetime_of(as_of))
    return rows.mapInArrow(work, _spark_schema(_example(bundle, with_changes=with_changes).schema))


def scores_of(scores: pa.Table, files: BundleFiles) -> pa.Table:
    """Return the contract's columns of what `score_frame` gave, in the contract's types."""
    schema = _example(_loaded(files), with_changes=False).schema
    return scores.select(schema.names).cast(schema)


def changes_of(scores: pa.Table) -> pd.DataFrame:
    """Return the rows (CHANGE_COLUMNS) that `score_frame` gave in CHANGE."""
    change = scores.column(CHANGE).drop_null().combine_chunks()
    columns = dict(zip(change.type.names, change.flatten(), strict=True))
    return pa.table({name: columns[name] for name in CHANGE_COLUMNS}).to_pandas()


def score_sums(tables: SparkTables, files: BundleFiles, place: str) -> ScoreSums:
    """Add up the scores that lie in a folder of Parquet."""
    scores = tables.session.read.parquet(url_of(place))
    rows = scores.select(*SUMMED).mapInArrow(partial(_sum_batches, files), _SUM_COLUMNS)
    return added([ScoreSums(**row) for row in rows.toArrow().to_pylist()] or [ScoreSums()])


@lru_cache(maxsize=2)
def _loaded(files: BundleFiles) -> Bundle:
    """Return the bundle, parsed once in each worker process."""
    return files.load()


def _score_batches(
    files: BundleFiles, as_of: int, batches: Iterable[pa.RecordBatch], *, with_changes: bool
) -> Iterator[pa.RecordBatch]:
    """Run the scoring function in a worker, on each block."""
    bundle = _loaded(files)
    for block in blocks_of(batches, bundle.business, list(bundle.vocabulary.levels)):
        yield from _scored(bundle, block, as_of, with_changes=with_changes).to_batches()


def _sum_batches(files: BundleFiles, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    bundle = _loaded(files)
    for batch in batches:
        if batch.num_rows:
            sums = sums_of(pa.Table.from_batches([batch]), bundle)
            yield pa.RecordBatch.from_pylist([asdict(sums)])


def _scored(bundle: Bundle, block: Block, as_of: int, *, with_changes: bool) -> pa.Table:
    scores = score(bundle, block, as_of)
    table = score_table(scores, bundle.business)
    if not with_changes:
        return table
    earlier = score(bundle, block, int(shift_months(as_of, -1, bundle.business.month)))
    changes = value_changes(earlier, scores, bundle.business.annual_discount_rate)
    return table.append_column(CHANGE, _beside(changes, scores.customer_ids))


def _beside(changes: pd.DataFrame, customer_ids: NDArray[np.object_]) -> pa.StructArray:
    """Return each customer's change as a struct, null for those who have none."""
    whole = changes.set_index("customer_id", drop=False).reindex(customer_ids)
    arrays = [
        pa.array(whole[name], type_, from_pandas=True) for name, type_ in _CHANGE_TYPES.items()
    ]
    absent = pa.array(whole["customer_id"].isna().to_numpy())
    return pa.StructArray.from_arrays(arrays, names=list(_CHANGE_TYPES), mask=absent)


def _example(bundle: Bundle, *, with_changes: bool) -> pa.Table:
    """Score a made-up customer here, to know the columns before any worker begins."""
    events = contract_table(example_events(bundle.business.contract))
    as_of = instant_of(pc.max(events.column("recorded_at")).as_py()) + 1
    block = block_of(events, None, bundle.business, list(bundle.vocabulary.levels))
    return _scored(bundle, block, as_of, with_changes=with_changes)


def _spark_schema(schema: pa.Schema) -> Any:
    """Return a schema as Spark's; untyped, as PySpark is optional."""
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(schema)
