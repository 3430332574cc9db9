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

from features.contract import CAMPAIGN_KINDS, CUSTOMER_COLUMNS, EVENT_COLUMNS, PLAN_COLUMNS
from features.erasure import NOBODY_ERASED, Erased
from features.instants import instant_of
from features.mistakes import InputRefusedError, Mistake, NotFoundError
from features.spill import spill_folder

Table = Literal["events", "customers", "plans"]

MANIFEST_FORMAT = 3
"""Read as well: 1, where one file held all customers, and 2, which nobody was erased from."""
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

    `n_buckets` is 0 until the first events are written, and fixed from then on; `erased` are kept
    out.
    """

    state: Path
    n_buckets: int = 0
    batches: tuple[Batch, ...] = ()
    erased: Erased = NOBODY_ERASED

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
            if manifest["format"] not in range(1, MANIFEST_FORMAT + 1):
                raise _unreadable(path, f"of format {manifest['format']}")
            batches = tuple(_batch_from(batch) for batch in manifest["batches"])
            return cls(state, int(manifest["buckets"]), batches, _erased_from(manifest))
        except FileNotFoundError:
            return cls(state)
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise _unreadable(path, f"damaged ({error})") from error

    def manifest(self) -> dict[str, Any]:
        """Return the manifest as it stands in `manifest.json`."""
        batches = [asdict(batch) for batch in self.batches]
        erased = {"salt": self.erased.salt, "digests": sorted(self.erased.digests)}
        return {
            "format": MANIFEST_FORMAT,
            "buckets": self.n_buckets,
            "batches": batches,
            "erased": erased,
        }

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
        """Return the paths of the files that make up a table, or that hold a bucket of it.

        Of `customers` and `plans` the newest batch that carries the table replaces all others.
        """
        if table not in get_args(Table):
            raise ValueError(f"table is {table!r}; expected one of {get_args(Table)}")
        return [self.folder / file.path for file in self._named(table, bucket)]

    @property
    def has_customers_by_bucket(self) -> bool:
        """Whether customers lie beside their events; in logs of format 1 they do not."""
        return all(file.bucket is not None for file in self._named("customers", None))

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

    def read_customers(
        self, customer_ids: Sequence[str] | None = None, bucket: int | None = None
    ) -> pa.Table:
        """Read the customers of the newest table, or these of them; attributes come last.

        Parameters
        ----------
        customer_ids : optional
            Keep only these customers; only the buckets they live in are read.
        bucket : optional
            The one that all of these live in, where the caller knows it.
        """
        every = self.files("customers")
        if customer_ids is None:
            return self._read_table(every, CUSTOMER_COLUMNS, "customer_id", None)
        buckets = {bucket_of(each, self.n_buckets) for each in customer_ids if bucket is None}
        buckets |= set() if bucket is None else {bucket}
        found = {path: None for each in sorted(buckets) for path in self.files("customers", each)}
        # Any file knows the columns, where nobody is found.
        return self._read_table(
            list(found) or every[:1], CUSTOMER_COLUMNS, "customer_id", customer_ids
        )

    def read_plans(self) -> pa.Table:
        """Read the price list of the newest table, sorted by plan and valid_from."""
        return self._read_table(self.files("plans"), PLAN_COLUMNS, "plan, valid_from", None)

    def span(self) -> tuple[datetime, datetime]:
        """Return when the first and the last event occurred, those of campaigns left out.

        Campaigns are decided while customers' own events may not have come yet. Where there are
        no others, those of campaigns count.

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
            "SELECT min(occurred_at) AS first, max(occurred_at) AS last FROM read_parquet($files) "
            "GROUP BY list_contains($campaigns, kind) ORDER BY list_contains($campaigns, kind)"
        )
        values = {"files": _texts(paths), "campaigns": list(CAMPAIGN_KINDS)}
        ends = self.query(query, values).to_pylist()[0]
        return ends["first"], ends["last"]

    def query(self, query: str, values: dict[str, Any]) -> pa.Table:
        """Run SQL on one core and in bounded memory; what does not fit spills below `state`."""
        return _connection(self.state).sql(query, params=values).to_arrow_table()

    def _named(self, table: Table, bucket: int | None) -> list[LogFile]:
        batches = [[file for file in batch.files if file.table == table] for batch in self.batches]
        if table != "events":
            batches = [files for files in batches if files][-1:]
        wanted = (None, bucket)
        return [
            file for files in batches for file in files if bucket is None or file.bucket in wanted
        ]

    def _read_table(
        self,
        paths: Sequence[Path],
        columns: dict[str, str],
        order: str,
        customer_ids: Sequence[str] | None,
    ) -> pa.Table:
        if not paths:
            return arrow_schema(columns).empty_table()
        query = "SELECT * FROM read_parquet($files) {condition} ORDER BY {order}"
        values: dict[str, Any] = {"files": _texts(paths)}
        if customer_ids is None:
            return self.query(query.format(condition="", order=order), values)
        # A table: DuckDB takes longer to read a list of many ids than to find their rows.
        wanted = pa.table({"customer_id": pa.array(customer_ids, pa.string())})
        connection = _connection(self.state).register("wanted", wanted)
        condition = "WHERE customer_id IN (FROM wanted)"
        found = self.query(query.format(condition=condition, order=order), values)
        connection.unregister("wanted")
        return found


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


def _erased_from(manifest: dict[str, Any]) -> Erased:
    found = manifest.get("erased")
    return Erased(found["salt"], frozenset(found["digests"])) if found else NOBODY_ERASED


def _unreadable(path: Path, value: str) -> InputRefusedError:
    expected = (
        f"expected a manifest of format 1 to {MANIFEST_FORMAT}; restore its folder from a copy"
    )
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
