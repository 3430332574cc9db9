"""Where the engine's tables go: whole folders that appear by a rename, or by Spark's committer."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from features.spark.session import SparkFailedError, settings
from features.spark.tables import file_url

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PART = "part"
"""Column that says which of several folders a row goes to; it is not written."""


def write_elsewhere(table: "DataFrame", place: str) -> None:
    """Write a table as a folder of Parquet on any file system; `_SUCCESS` in it is written last."""
    table.write.mode("overwrite").option("compression", "zstd").parquet(place)


@contextmanager
def written(table: "DataFrame", below: Path) -> Iterator[Path]:
    """Yield a hidden folder of Parquet with a table, to be read or to be renamed to its place."""
    with _site(below) as site:
        table.write.option("compression", "zstd").parquet(file_url(site))
        yield _required(site)


@contextmanager
def written_parts(table: "DataFrame", below: Path, parts: Sequence[str]) -> Iterator[list[Path]]:
    """Yield one such folder a value of PART, all of one run.

    Raises
    ------
    SparkFailedError
        If one of them was not written.
    """
    # A writer a part in each task: else rows are sorted by part, and customers lose their order.
    several = {
        "spark.sql.maxConcurrentOutputFileWriters": str(len(parts) + 1),
        "spark.sql.optimizer.plannedWrite.enabled": "false",
    }
    with _site(below) as site:
        with settings(table.sparkSession, several):
            table.write.partitionBy(PART).option("compression", "zstd").parquet(file_url(site))
        yield [_required(site / f"{PART}={part}") for part in parts]


@contextmanager
def _site(below: Path) -> Iterator[Path]:
    site = below / ".spark.building"
    shutil.rmtree(site, ignore_errors=True)
    below.mkdir(parents=True, exist_ok=True)
    try:
        yield site
    finally:
        shutil.rmtree(site, ignore_errors=True)


def _required(folder: Path) -> Path:
    if not folder.is_dir():
        raise SparkFailedError(
            f"Nothing was written to {folder}: either nobody was there to write about, or the "
            "workers have another disk; let spark.output name a place that all of them reach."
        )
    return folder
