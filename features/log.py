"""The log: the Parquet files that `state/log/manifest.json` names, seen as tables.

Only reading belongs here. Ingest writes the log, in `features.ingest.batch`.
"""

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self, get_args

import duckdb
import pyarrow as pa

from features.contract import CUSTOMER_COLUMNS, EVENT_COLUMNS, PLAN_COLUMNS
from features.instants import instant_of
from features.mistakes import InputRefusedError, Mistake, NotFoundError
from features.spill import spill_folder

Table = Literal["events", "customers", "plans"]

MANIFEST_FORMAT = 1
READING_MEMORY = "256MB"
"""What DuckDB may hold of a reading; a larger one spills below the workspace's state."""
EVENT_ORDER = "customer_id, occurred_at, event_id"

_opened = threading.local()

_ARROW_TYPES: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
    "DOUBLE": pa.float64(),
    "INTEGER": pa.int32(),
    "BOOLEAN": pa.bool_(),
}


def arrow_schema(columns: dict[str, str]) -> pa.Schema:
    """Return the Arrow schema of a table of the contract, in the contract's order."""
    return pa.schema([(name, _ARROW_TYPES[sql_type]) for name, sql_type in columns.items()])


EVENT_SCHEMA = arrow_schema(EVENT_COLUMNS)


def bucket_of(customer_id: str, n_buckets: int) -> int:
    """Return the bucket that holds a customer: the first 32 bits of md5, modulo `n_buckets`."""
    digest = hashlib.md5(customer_id.encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) % n_buckets


@dataclass(frozen=True)
class LogFile:
    """Name one Parquet file of the log; `path` is relative to `state/log`."""

    path: str
    table: Table
    bucket: int | None
    rows: int
    sha256: str


@dataclass(frozen=True)
class Batch:
    """Hold what one writing added: the files of one folder, all or none of them."""

    batch_id: str
    source: str
    files: tuple[LogFile, ...]


@dataclass(frozen=True)
class Log:
    """See the log as one manifest named it; later writing does not change this view.

    `n_buckets` is 0 until the first events are written, and fixed from then on.
    """

    state: Path
    n_buckets: int = 0
    batches: tuple[Batch, ...] = ()

    @classmethod
    def open(cls, state: Path) -> Self:
        """Read the manifest under `state`; without one the log is empty.

        Raises
        ------
        InputRefusedError
            If the manifest is damaged, or of a format that this version does not know.
        """
        path = state / "log" / "manifest.json"
        try:
            manifest = json.loads(path.read_bytes())
            if manifest["format"] != MANIFEST_FORMAT:
                raise _unreadable(path, f"of format {manifest['format']}")
            batches = tuple(_batch_from(batch) for batch in manifest["batches"])
            return cls(state, int(manifest["buckets"]), batches)
        except FileNotFoundError:
            return cls(state)
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise _unreadable(path, f"damaged ({error})") from error

    def manifest(self) -> dict[str, Any]:
        """Return the manifest as it stands in `manifest.json`."""
        batches = [asdict(batch) for batch in self.batches]
        return {"format": MANIFEST_FORMAT, "buckets": self.n_buckets, "batches": batches}

    @property
    def folder(self) -> Path:
        """Where the manifest and the folders of the batches lie."""
        return self.state / "log"

    @property
    def n_events(self) -> int:
        """Events in all batches."""
        return sum(file.rows for file in self._named("events", None))

    @property
    def fingerprint(self) -> str:
        """Identify the content: sha256 over the digests of all files, in the manifest's order."""
        digests = (file.sha256 for batch in self.batches for file in batch.files)
        return hashlib.sha256("".join(digests).encode()).hexdigest()

    def files(self, table: Table, bucket: int | None = None) -> list[Path]:
        """Return the paths of the files that make up a table, or one bucket of the events.

        Of `customers` and `plans` the newest batch that carries the table replaces all others.
        """
        if table not in get_args(Table):
            raise ValueError(f"table is {table!r}; expected one of {get_args(Table)}")
        named = self._named(table, bucket)
        return [self.folder / file.path for file in (named if table == "events" else named[-1:])]

    def read_events(
        self,
        bucket: int,
        visible_before: datetime | None = None,
        customer_ids: Sequence[str] | None = None,
        between: tuple[str, str] | None = None,
        kinds: Sequence[str] | None = None,
    ) -> pa.Table:
        """Read one bucket of events, sorted by customer_id, occurred_at, event_id.

        Parameters
        ----------
        bucket
            From 0 up to, not including, `n_buckets`.
        visible_before
            Keep only what occurred and was recorded strictly before this aware instant.
        customer_ids
            Keep only these customers; those who live in other buckets are not found here.
        between
            Keep only customers from the first to the last of these ids, both included.
        kinds
            Keep only events of these kinds.

        Returns
        -------
        pyarrow.Table
            The columns of `EVENT_SCHEMA`; times in UTC microseconds, amounts in major units.
        """
        if not 0 <= bucket < self.n_buckets:
            raise ValueError(f"bucket is {bucket}; expected 0 <= bucket < {self.n_buckets}.")
        paths = self.files("events", bucket)
        if not paths:
            return EVENT_SCHEMA.empty_table()
        condition, values = _condition(visible_before, customer_ids, between, kinds)
        # The rows of one file are in order already.
        order = f" ORDER BY {EVENT_ORDER}" if len(paths) > 1 else ""
        query = (
            f"SELECT {', '.join(EVENT_COLUMNS)} FROM read_parquet($files) WHERE {condition}{order}"
        )
        return self.query(query, {"files": _texts(paths)} | values)

    def read_customers(self, customer_ids: Sequence[str] | None = None) -> pa.Table:
        """Read the customers of the newest table, or these of them; attributes come last."""
        return self._read_table("customers", CUSTOMER_COLUMNS, customer_ids)

    def read_plans(self) -> pa.Table:
        """Read the price list of the newest table, sorted by plan and valid_from."""
        return self._read_table("plans", PLAN_COLUMNS, None)

    def span(self) -> tuple[datetime, datetime]:
        """Return when the first and the last event occurred.

        Raises
        ------
        NotFoundError
            If the log holds no events.
        """
        paths = self.files("events")
        if not paths:
            expected = "run `keepworth ingest` first"
            raise NotFoundError(
                "There is nothing to work on.",
                [Mistake(str(self.folder), "without events", expected)],
            )
        query = (
            "SELECT min(occurred_at) AS first, max(occurred_at) AS last FROM read_parquet($files)"
        )
        ends = self.query(query, {"files": _texts(paths)}).to_pylist()[0]
        return ends["first"], ends["last"]

    def query(self, query: str, values: dict[str, Any]) -> pa.Table:
        """Run SQL on one core and in bounded memory; what does not fit spills below `state`."""
        return _connection(self.state).sql(query, params=values).to_arrow_table()

    def _named(self, table: Table, bucket: int | None) -> list[LogFile]:
        files = (file for batch in self.batches for file in batch.files if file.table == table)
        return [file for file in files if bucket is None or file.bucket == bucket]

    def _read_table(
        self, table: Table, columns: dict[str, str], customer_ids: Sequence[str] | None
    ) -> pa.Table:
        paths = self.files(table)
        if not paths:
            return arrow_schema(columns).empty_table()
        condition, values = _condition(None, customer_ids, None, None)
        query = f"SELECT * FROM read_parquet($files) WHERE {condition}"
        return self.query(query, {"files": _texts(paths)} | values)


def _connection(state: Path) -> duckdb.DuckDBPyConnection:
    """Return this thread's database in memory, which uses one core, little memory and UTC.

    Opening one takes as long as reading a bucket, and threads must not share one.
    """
    owner = state, os.getpid()
    if getattr(_opened, "owner", None) != owner:
        settings: dict[str, Any] = {
            "threads": 1,
            "memory_limit": READING_MEMORY,
            # By process: DuckDB gives the files that it spills the same names everywhere.
            "temp_directory": str(spill_folder(state)),
        }
        _opened.connection = duckdb.connect(config=settings)
        _opened.connection.execute("SET TimeZone = 'UTC'")
        _opened.owner = owner
    connection: duckdb.DuckDBPyConnection = _opened.connection
    return connection


def _batch_from(batch: dict[str, Any]) -> Batch:
    files = tuple(LogFile(**file) for file in batch["files"])
    return Batch(batch["batch_id"], batch["source"], files)


def _unreadable(path: Path, value: str) -> InputRefusedError:
    expected = f"expected a manifest of format {MANIFEST_FORMAT}; restore it, or remove its folder"
    return InputRefusedError("The log cannot be read.", [Mistake(str(path), value, expected)])


def _condition(
    visible_before: datetime | None,
    customer_ids: Sequence[str] | None,
    between: tuple[str, str] | None,
    kinds: Sequence[str] | None,
) -> tuple[str, dict[str, Any]]:
    conditions, values = ["true"], dict[str, Any]()
    if visible_before is not None:
        values["before"] = instant_of(visible_before)
        before = "make_timestamptz($before)"
        conditions.append(f"occurred_at < {before} AND recorded_at < {before}")
    if customer_ids is not None:
        values["ids"] = list(customer_ids)
        conditions.append("customer_id IN (SELECT unnest($ids::VARCHAR[]))")
    if between is not None:
        values["first"], values["last"] = between
        conditions.append("customer_id BETWEEN $first AND $last")
    if kinds is not None:
        values["kinds"] = list(kinds)
        conditions.append("list_contains($kinds::VARCHAR[], kind)")
    return " AND ".join(conditions), values


def _texts(paths: Sequence[Path]) -> list[str]:
    return [str(path) for path in paths]
