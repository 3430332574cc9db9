"""The contract's tables as Spark sees them, and their rows brought together by customer."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from features.contract import CUSTOMER_COLUMNS, EVENT_COLUMNS, KIND_CODES, PLAN_COLUMNS
from features.instants import instant_of
from features.log import Log, Table, arrow_schema
from features.mistakes import InputRefusedError, Mistake
from features.spark.rules import SparkRules
from features.spark.session import REFUSED
from features.spark.stream import PROFILE

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_TYPES = {
    "VARCHAR": "string",
    "TIMESTAMPTZ": "timestamp",
    "DOUBLE": "double",
    "INTEGER": "int",
    "BOOLEAN": "boolean",
}
_COLUMNS: dict[Table, dict[str, str]] = {
    "events": EVENT_COLUMNS,
    "customers": CUSTOMER_COLUMNS,
    "plans": PLAN_COLUMNS,
}
_PROFILE_COLUMNS = ("acquired_at", "acquisition_cost", "acquisition_channel", "referred_by")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NEVER_NULL = ("event_id", "customer_id", "kind", "occurred_at")


class SparkTables:
    """Find the three tables: where `[spark]` says, else in the files of the workspace's log."""

    def __init__(self, session: "SparkSession", rules: SparkRules, log: Log) -> None:
        """Remember where they lie; nothing is read yet."""
        self.session = session
        self._places = {"events": rules.events, "customers": rules.customers, "plans": rules.plans}
        self._log = log

    @property
    def are_of_the_log(self) -> bool:
        """Whether all three are the workspace's own, which only ingest changes."""
        return not any(self._places.values())

    def n_events(self) -> int:
        """Count the events, by what Parquet says of itself."""
        return self._event_files().count()

    def events(self, visible_before: datetime | None = None) -> "DataFrame":
        """Return the events in the contract's columns and types, those of the log unchecked.

        Events from elsewhere went through no ingest: a row that breaks the contract fails the job.
        """
        frame = self._event_files()
        checked = frame.filter(_is_sound()) if self._places["events"] else frame
        return checked if visible_before is None else checked.filter(is_visible(visible_before))

    def customers(self) -> "DataFrame | None":
        """Return the customers with all their columns, None where there is no such table."""
        return self._read("customers")

    def price_list(self) -> pa.Table:
        """Return the plans table, here; it has a row a plan and price."""
        schema = arrow_schema(PLAN_COLUMNS)
        plans = self._read("plans")
        return schema.empty_table() if plans is None else plans.toArrow().cast(schema)

    def span(self) -> tuple[datetime, datetime]:
        """Return when the first and the last event occurred."""
        from pyspark.sql import functions as F  # noqa: N812 -- what everybody calls it

        ends = self.events().agg(F.min("occurred_at").alias("n0"), F.max("occurred_at").alias("n1"))
        first, last = ends.toArrow().to_pylist()[0].values()
        if first is None:
            raise _without_events()
        return first, last

    def rows_by_customer(
        self, attributes: Sequence[str], visible_before: datetime, kinds: Sequence[str] = ()
    ) -> "DataFrame":
        """Return events and customers' rows together: a customer in one partition, in order.

        A customer's row of the customers table carries it in PROFILE and comes first; of the
        events only those of these `kinds`, where some are given.
        """
        from pyspark.sql import functions as F  # noqa: N812 -- what everybody calls it

        events = self.events(visible_before)
        events = events.filter(F.col("kind").isin(*kinds)) if kinds else events
        profiles = self._profiles(attributes)
        rows = (
            events.withColumn(PROFILE, F.lit(None).cast("struct<acquired_at: timestamp>"))
            if profiles is None
            else events.unionByName(profiles, allowMissingColumns=True)
        )
        return rows.repartition("customer_id").sortWithinPartitions(
            "customer_id", F.asc_nulls_first("occurred_at"), "event_id"
        )

    def _profiles(self, attributes: Sequence[str]) -> "DataFrame | None":
        from pyspark.sql import functions as F  # noqa: N812

        customers = self.customers()
        if customers is None:
            return None
        columns = (*_PROFILE_COLUMNS, *attributes)
        named = [
            F.col(quoted(name))
            if name in customers.columns
            else F.lit(None).cast("string").alias(name)
            for name in columns
        ]
        return customers.select("customer_id", F.struct(*named).alias(PROFILE))

    def _event_files(self) -> "DataFrame":
        frame = self._read("events")
        if frame is None:
            raise _without_events()
        return frame

    def _read(self, table: Table) -> "DataFrame | None":
        place = self._places[table]
        files = [url_of(place)] if place else [file_url(path) for path in self._log.files(table)]
        if not files:
            return None
        frame = self.session.read.parquet(*files)
        return frame.select(*_in_contract(frame, table))


def is_visible(before: datetime) -> "Column":
    """Return whether an event occurred and was recorded before an aware instant."""
    from pyspark.sql import functions as F  # noqa: N812

    limit = F.timestamp_micros(F.lit(instant_of(before)))
    recorded = F.coalesce("recorded_at", "occurred_at")
    return (F.col("occurred_at") < limit) & (recorded < limit)


def quoted(column: str) -> str:
    """Return a column's name as Spark takes it whatever it contains."""
    return f"`{column.replace('`', '``')}`"


def file_url(path: Path) -> str:
    """Return a local path as Spark finds it, whatever its default file system and its globs."""
    special = str.maketrans({sign: f"\\{sign}" for sign in "{}[]*?\\"})
    return f"file://{str(path.resolve()).translate(special)}"


def local_path(place: str) -> Path | None:
    """Return the path that a place means on this machine, None where it lies elsewhere."""
    scheme = _SCHEME.match(place)
    if scheme is None:
        return Path(place)
    return Path(f"/{place[scheme.end() :].lstrip('/')}") if scheme[0] == "file:" else None


def url_of(place: str) -> str:
    """Return a place as Spark finds it whatever its default file system; globs are its own."""
    path = local_path(place)
    return place if path is None else f"file://{path.absolute()}"


def _without_events() -> InputRefusedError:
    expected = "run `keepworth ingest` first, or let spark.events name Parquet"
    return InputRefusedError("there are no events yet", [Mistake("events", "empty", expected)])


def _in_contract(frame: "DataFrame", table: Table) -> "list[Column]":
    """Return the contract's columns, null where absent, and for customers all others too."""
    from pyspark.sql import functions as F  # noqa: N812

    columns = [
        (F.col(name) if name in frame.columns else F.lit(None)).cast(_TYPES[sql_type]).alias(name)
        for name, sql_type in _COLUMNS[table].items()
    ]
    if table == "customers":
        others = [name for name in frame.columns if name not in CUSTOMER_COLUMNS]
        columns += [F.col(quoted(name)) for name in others]
    return columns


def _is_sound() -> "Column":
    """Return true, or raise and name the first row that ingest would not have let through."""
    from pyspark.sql import functions as F  # noqa: N812

    faults = [(F.col(name).isNull(), f"{name} is null") for name in _NEVER_NULL]
    known = ", ".join(KIND_CODES)
    faults.append((~F.col("kind").isin(*KIND_CODES), f"kind is none of {known}"))
    for name in ("amount", "list_amount"):
        is_amount = (F.col(name) >= 0) & (F.col(name) < float("inf"))
        faults.append((F.coalesce(~is_amount, F.lit(False)), f"{name} is negative or no number"))
    whose = F.coalesce("event_id", F.lit("without event_id"))
    verdict = F.lit(True)
    for is_fault, words in reversed(faults):
        told = F.concat(F.lit(f"{REFUSED}event "), whose, F.lit(f": {words}"))
        verdict = F.when(is_fault, F.raise_error(told)).otherwise(verdict)
    return verdict
