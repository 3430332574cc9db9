"""Writing a batch to the log: all of it or none, whenever the process may die.

Files are written and synced in a folder of no name that counts, the folder is renamed, and only
then does a new manifest name it. What no manifest names is removed by the next writer.
"""

import hashlib
import json
import math
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import duckdb

from features.contract import EVENT_COLUMNS
from features.ingest.identity import content_sql
from features.ingest.quoting import literal
from features.ingest.staging import count_rows
from features.ingest.tables import CUSTOMERS, TableRules
from features.log import EVENT_ORDER, Batch, Log, LogFile
from features.whole_files import sync, whole_file

ROWS_PER_BUCKET = 250_000
FEWEST_BUCKETS, MOST_BUCKETS = 2, 256


def remove_leftovers(log: Log) -> None:
    """Remove what a killed writer left: folders and files that the manifest does not name."""
    named = {"manifest.json", *(batch.batch_id for batch in log.batches)}
    for path in log.folder.iterdir() if log.folder.exists() else ():
        if path.name not in named:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for batch in log.batches:
        files = {Path(file.path).name for file in batch.files}
        for path in (log.folder / batch.batch_id).iterdir():
            if path.name not in files:
                path.unlink()


@dataclass(frozen=True)
class BatchName:
    """Name a batch whose content does not name it, and what it came from."""

    batch_id: str
    source: str


def write_batch(
    connection: duckdb.DuckDBPyConnection,
    log: Log,
    tables: Sequence[TableRules],
    progress: Callable[[float], None],
    name: BatchName | None = None,
) -> Log:
    """Write `new_events` and the changed tables as one batch; return the log that holds it.

    The caller holds the workspace. With nothing to write the log is returned as it is. Without
    a name the batch is ingest's, named after its content.
    """
    n_events = count_rows(connection, "new_events")
    if not n_events and not tables:
        return log
    n_buckets = log.n_buckets or _buckets_for(n_events)
    _sort_into_buckets(connection, _EVENTS, n_buckets)
    progress(0.4)
    name = name or BatchName(_batch_id(connection, log, tables), "ingest")
    batch_id = name.batch_id
    folder = log.folder / f"tmp-{secrets.token_hex(8)}"
    folder.mkdir(parents=True)
    files = _write_buckets(
        connection, _EVENTS, folder, batch_id, lambda done: progress(0.4 + 0.5 * done)
    )
    for rules in tables:
        if rules is CUSTOMERS:
            _sort_into_buckets(connection, _CUSTOMERS, n_buckets)
            files += _write_buckets(connection, _CUSTOMERS, folder, batch_id, lambda _: None)
        else:
            files.append(_write_table(connection, folder, batch_id, rules))
    batch = Batch(batch_id, name.source, tuple(files))
    return commit_batch(replace(log, n_buckets=n_buckets), folder, batch)


def _buckets_for(n_events: int) -> int:
    return max(FEWEST_BUCKETS, min(MOST_BUCKETS, math.ceil(n_events / ROWS_PER_BUCKET)))


@dataclass(frozen=True)
class _Bucketed:
    """Say how a table whose customers are kept together is written."""

    table: Literal["events", "customers"]
    source: str
    columns: str
    order: str

    @property
    def sorted(self) -> str:
        return f"sorted_{self.table}"


_EVENTS = _Bucketed("events", "new_events", ", ".join(EVENT_COLUMNS), EVENT_ORDER)
_CUSTOMERS = _Bucketed("customers", "current_customers", "*", "customer_id")


def _sort_into_buckets(
    connection: duckdb.DuckDBPyConnection, kept: _Bucketed, n_buckets: int
) -> None:
    """Sort once by bucket, so that each file is one stretch of the table."""
    bucket = f"CAST(('0x' || md5(customer_id)[:8]) AS UBIGINT) % {n_buckets}"
    connection.execute(
        f"CREATE TABLE {kept.sorted} AS SELECT CAST({bucket} AS USMALLINT) AS _bucket, "
        f"{kept.columns} FROM {kept.source} ORDER BY _bucket, {kept.order}"
    )


def _batch_id(connection: duckdb.DuckDBPyConnection, log: Log, tables: Sequence[TableRules]) -> str:
    """Hash what the batch adds to what: the same sources after the same log give the same id."""
    parts = [batch.batch_id for batch in log.batches]
    contents = {"sorted_events": f"hash(event_id, {content_sql()})"}
    contents |= {f"current_{rules.table}": f"hash(current_{rules.table})" for rules in tables}
    for table, row_hash in contents.items():
        query = f"SELECT count(*), bit_xor({row_hash}), sum({row_hash}) FROM {table}"
        parts.append(f"{table} {connection.execute(query).fetchall()[0]}")
    return hashlib.md5("\n".join(parts).encode(), usedforsecurity=False).hexdigest()[:16]


def _write_buckets(
    connection: duckdb.DuckDBPyConnection,
    kept: _Bucketed,
    folder: Path,
    batch_id: str,
    progress: Callable[[float], None],
) -> list[LogFile]:
    counts = connection.execute(
        f"SELECT _bucket, count(*) FROM {kept.sorted} GROUP BY _bucket ORDER BY _bucket"
    ).fetchall()
    if kept is _CUSTOMERS and not counts:
        counts = [(0, 0)]  # a table without rows takes the place of an earlier one too
    files = []
    for number, (bucket, rows) in enumerate(counts, start=1):
        name = f"{kept.table}-{bucket:03d}.parquet"
        query = (
            f"SELECT * EXCLUDE (_bucket) FROM {kept.sorted} WHERE _bucket = {bucket} "
            f"ORDER BY {kept.order}"
        )
        copy_to_parquet(connection, query, folder / name, batch_id)
        files.append(LogFile(f"{batch_id}/{name}", kept.table, int(bucket), int(rows), ""))
        progress(number / len(counts))
    return files


def _write_table(
    connection: duckdb.DuckDBPyConnection, folder: Path, batch_id: str, rules: TableRules
) -> LogFile:
    name, table = f"{rules.table}.parquet", f"current_{rules.table}"
    query = f"SELECT * FROM {table} ORDER BY {', '.join(rules.key)}"
    copy_to_parquet(connection, query, folder / name, batch_id)
    return LogFile(f"{batch_id}/{name}", rules.table, None, count_rows(connection, table), "")


def copy_to_parquet(
    connection: duckdb.DuckDBPyConnection, query: str, path: Path, batch_id: str
) -> None:
    """Write what a query yields as a file of a batch."""
    connection.execute(
        f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd, "
        f"KV_METADATA {{batch_id: {literal(batch_id)}}})"
    )


def sealed(folder: Path, file: LogFile) -> LogFile:
    """Return a file of a folder with its digest, once its content is on the disk."""
    path = folder / Path(file.path).name
    with path.open("rb") as content:
        os.fsync(content.fileno())
        return replace(file, sha256=hashlib.file_digest(content, "sha256").hexdigest())


def commit_batch(log: Log, folder: Path, batch: Batch) -> Log:
    """Add a batch, whose files lie in a folder of no name that counts; return the log with it."""
    whole = replace(batch, files=tuple(sealed(folder, file) for file in batch.files))
    sync(folder)
    folder.rename(log.folder / batch.batch_id)
    sync(log.folder)
    grown = replace(log, batches=(*log.batches, whole))
    commit_manifest(grown)
    return grown


def commit_manifest(log: Log) -> None:
    """Let the manifest name this log, whose files are on the disk."""
    with whole_file(log.folder / "manifest.json") as draft:
        draft.write_text(json.dumps(log.manifest(), indent=1))
    sync(log.folder)
