"""The contract's tables as Spark sees them, and their rows brought together by customer."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from features.contract import CAMPAIGN_KINDS, CUSTOMER_COLUMNS, EVENT_COLUMNS, PLAN_COLUMNS
from features.history import NO_SCALES
from features.ingest.checks import CUSTOMER_CHECKS, PLAN_CHECKS, event_checks, present
from features.ingest.checks_sql import fails_sql
from features.ingest.defects import Check
from features.instants import instant_of
from features.log import Log, Table, arrow_schema
from features.mistakes import InputRefusedError, Mistake
from features.spark.rules import SparkRules
from features.spark.session import BETWEEN, REFUSED
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
_KEYS: dict[Table, str] = {"events": "event_id", "customers": "customer_id", "plans": "plan"}


class SparkTables:
    """Find the three tables: where `[spark]` says, else in the files of the workspace's log."""

    def __init__(
        self,
        session: "SparkSession",
        rules: SparkRules,
        log: Log,
        usage_scale: Mapping[str, int] = NO_SCALES,
    ) -> None:
        """Remember where they lie, and the metrics with a scale of their own; nothing is read."""
        self.session = session
        self._checks: dict[Table, Sequence[Check]] = {
            "events": (present("event_id"), *event_checks(usage_scale)),
            "customers": CUSTOMER_CHECKS,
            "plans": PLAN_CHECKS,
        }
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
        """Return the events in the contract's columns and types."""
        frame = self._event_files()
        return frame if visible_before is None else frame.filter(is_visible(visible_before))

    def customers(self) -> "DataFrame | None":
        """Return the customers with all their columns, None where there is no such table."""
        return self._read("customers")

    def price_list(self) -> pa.Table:
        """Return the plans table, here; it has a row a plan and price."""
        schema = arrow_schema(PLAN_COLUMNS)
        plans = self._read("plans")
        return schema.empty_table() if plans is None else plans.toArrow().cast(schema)

    def span(self) -> tuple[datetime, datetime]:
        """Return the same as `Log.span`."""
        from pyspark.sql import functions as F  # noqa: N812 -- what everybody calls it

        of_campaigns = F.col("kind").isin(*CAMPAIGN_KINDS).alias("of_campaigns")
        ends = self.events().groupBy(of_campaigns).agg(F.min("occurred_at"), F.max("occurred_at"))
        found = sorted(ends.toArrow().to_pylist(), key=lambda row: row["of_campaigns"])
        if not found:
            raise _without_events()
        _, first, last = found[0].values()
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
        """Return a table, None where there is none.

        One from elsewhere went through no ingest: a row that breaks a rule fails the job.
        """
        place = self._places[table]
        files = [url_of(place)] if place else [file_url(path) for path in self._log.files(table)]
        if not files:
            return None
        frame = self.session.read.parquet(*files)
        typed = frame.select(*_in_contract(frame, table))
        return typed.filter(_is_sound(table, self._checks[table])) if place else typed


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
    from pyspark.sql import functions as F  # noqa: N812 -- what everybody calls it

    columns = []
    for name, sql_type in _COLUMNS[table].items():
        column = F.col(name) if name in frame.columns else F.lit(None)
        column = column.cast(_TYPES[sql_type])
        # Empty text counts as null, as ingest has it.
        column = F.nullif(column, F.lit("")) if sql_type == "VARCHAR" else column
        columns.append(column.alias(name))
    if table == "customers":
        others = [name for name in frame.columns if name not in CUSTOMER_COLUMNS]
        columns += [F.col(quoted(name)) for name in others]
    return columns


def _is_sound(table: Table, checks: Sequence[Check]) -> "Column":
    """Return true, or raise and name the first row that ingest would not have let through."""
    from pyspark.sql import functions as F  # noqa: N812

    whose = F.coalesce(_KEYS[table], F.lit(f"without {_KEYS[table]}"))
    failures = [F.expr(_fails(check)) for check in checks]
    verdict = F.lit(True)
    for check, fails in zip(reversed(checks), reversed(failures), strict=True):
        key = F.concat(F.lit(f"{check.column} of {table[:-1]} "), whose)
        value = F.coalesce(F.col(check.column).cast("string"), F.lit("missing"))
        told = F.concat_ws(BETWEEN, F.lit(REFUSED), key, value, F.lit(check.expected), F.lit(""))
        verdict = F.when(fails, F.raise_error(told)).otherwise(verdict)
    is_faulty = reduce(or_, failures)
    return F.when(is_faulty, verdict).otherwise(F.lit(True))


def _fails(check: Check) -> str:
    """Return a rule of ingest as Spark reads it, which takes a backslash for an escape."""
    return fails_sql(check, instant="TIMESTAMP").replace("\\", "\\\\")
