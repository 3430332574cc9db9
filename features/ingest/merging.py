"""Merging small batches of events into one, so that a log of many writings stays quick to read."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from features.contract import EVENT_COLUMNS
from features.ingest.batch import commit_batch, copy_to_parquet, remove_leftovers
from features.ingest.connection import sandbox
from features.ingest.quoting import literals
from features.log import EVENT_ORDER, Batch, Log, LogFile

MOST_SMALL_BATCHES = 16
"""So many small batches of one source may lie beside each other."""
LARGE_BATCH_EVENTS = 250_000
"""A batch of so many events is small no longer, and is not written again."""
_MEMORY_LIMIT = "600MB"


def merge_small_batches(state: Path, source: str, most: int = MOST_SMALL_BATCHES) -> int:
    """Write the small batches of a source anew as one, if there are more than `most`.

    The caller holds the workspace, and asks for no batch of this source by its id any more. The
    log says the same before and after, whenever the process may die. Files that were merged go
    with the next writing, so that whoever still sees the log of before can read it.

    Returns
    -------
    int
        How many batches became one; 0 where they were few.
    """
    log = Log.open(state)
    small = [batch for batch in log.batches if batch.source == source and _is_small(batch)]
    if len(small) <= most:
        return 0
    remove_leftovers(log)
    batch_id = f"{source}-{secrets.token_hex(8)}"
    folder = log.folder / f"tmp-{secrets.token_hex(8)}"
    folder.mkdir(parents=True)
    with sandbox(state, [], _MEMORY_LIMIT) as connection:
        files = _merged(connection, log, small, folder, batch_id)
    others = tuple(batch for batch in log.batches if batch not in small)
    commit_batch(replace(log, batches=others), folder, Batch(batch_id, source, tuple(files)))
    return len(small)


def _is_small(batch: Batch) -> bool:
    has_events_alone = all(file.table == "events" for file in batch.files)
    return has_events_alone and sum(file.rows for file in batch.files) < LARGE_BATCH_EVENTS


def _merged(
    connection: duckdb.DuckDBPyConnection,
    log: Log,
    batches: Sequence[Batch],
    folder: Path,
    batch_id: str,
) -> list[LogFile]:
    """Write one file for each bucket that the batches have events of."""
    files = [file for batch in batches for file in batch.files]
    merged = []
    for bucket in sorted({file.bucket for file in files if file.bucket is not None}):
        own = [file for file in files if file.bucket == bucket]
        name = f"events-{bucket:03d}.parquet"
        paths = literals(str(log.folder / file.path) for file in own)
        query = (
            f"SELECT {', '.join(EVENT_COLUMNS)} FROM read_parquet([{paths}]) ORDER BY {EVENT_ORDER}"
        )
        copy_to_parquet(connection, query, folder / name, batch_id)
        rows = sum(file.rows for file in own)
        merged.append(LogFile(f"{batch_id}/{name}", "events", bucket, rows, ""))
    return merged
