"""The common signals in DuckDB SQL: filtered aggregates by customer, one query a cutoff.

python -m benchmarks.features.duckdb_peer WORKSPACE [--save FILE]
"""

from pathlib import Path

import duckdb
import numpy as np

from benchmarks.features.peer import ATOMS, Aggregates, run_peer, scale_of, staged_sql
from benchmarks.features.signals_compared import Atom, kind_and_label
from benchmarks.features.synthetic_tables import DAY
from features.contract import KIND_CODES
from features.expressions import ActiveDays, Count, DaysSince, DistinctLabels
from features.log import Log

MEMORY_LIMIT = "2GB"
_USAGE = KIND_CODES["usage"]


def stage(workspace: Path) -> duckdb.DuckDBPyConnection:
    """Return a database with the log as a table of numbers, sorted by customer."""
    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
    connection.execute(f"SET temp_directory = '{workspace / 'state' / 'tmp' / 'duckdb-peer'}'")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET preserve_insertion_order = false")
    log = Log.open(workspace / "state")
    connection.execute(f"""
        CREATE TABLE customers AS
        SELECT customer_id, CAST(row_number() OVER (ORDER BY customer_id) - 1 AS INTEGER) AS customer
        FROM (SELECT DISTINCT customer_id FROM ({staged_sql(log)}))""")
    connection.execute(f"""
        CREATE TABLE events AS SELECT customer, kind, label, occurred, visible, value
        FROM ({staged_sql(log)}) JOIN customers USING (customer_id)""")
    return connection


def aggregates_at(connection: duckdb.DuckDBPyConnection, as_of: int) -> Aggregates:
    """Return every atom of all customers at one cutoff."""
    rows = connection.execute(_query(as_of)).fetchnumpy()
    return {
        atom: np.ma.filled(rows[f"a{number}"].astype(np.float64), np.nan)
        for number, atom in enumerate(ATOMS)
    }


def _query(as_of: int) -> str:
    parts = {"events": "visible", "days": "by_day", "metric": "daily", "labels": "by_label"}
    grouped = ", ".join(
        f"{name} AS ({_grouped(name, table, as_of)})" for name, table in parts.items()
    )
    columns = ", ".join(_filled(number, atom) for number, atom in enumerate(ATOMS))
    joins = " ".join(f"LEFT JOIN {name}_found USING (customer)" for name in parts)
    grouped = grouped.replace(" AS (", "_found AS (")
    return f"""
        WITH visible AS (SELECT * FROM events WHERE visible < {as_of}),
        daily AS (
            SELECT customer, label, occurred // {DAY} AS day, max(occurred) AS occurred
            FROM visible WHERE kind = {_USAGE} AND occurred >= {as_of - 180 * DAY} GROUP BY ALL),
        by_day AS (SELECT customer, day, max(occurred) AS occurred FROM daily GROUP BY ALL),
        by_label AS (
            SELECT customer, label, max(occurred) AS occurred FROM daily
            WHERE label IS NOT NULL GROUP BY ALL),
        {grouped}
        SELECT {columns} FROM customers {joins} ORDER BY customer"""


def _grouped(name: str, table: str, as_of: int) -> str:
    columns = ", ".join(
        f"{_aggregate(atom, as_of)} AS a{number}"
        for number, atom in enumerate(ATOMS)
        if _part(atom) == name
    )
    return f"SELECT customer, {columns} FROM {table} GROUP BY customer"


def _part(atom: Atom) -> str:
    if isinstance(atom, DistinctLabels):
        return "labels"
    if isinstance(atom, ActiveDays):
        return "metric" if ":" in atom.happening else "days"
    return "events"


def _aggregate(atom: Atom, as_of: int) -> str:
    kind, label = kind_and_label(atom.happening)
    conditions = [f"kind = {kind}"] if _part(atom) == "events" else []
    conditions += [] if label is None else [f"label = '{label}'"]
    if isinstance(atom, DaysSince):
        instant = "min(occurred)" if atom.which == "first" else "max(occurred)"
        return f"({as_of} - {instant} FILTER ({' AND '.join(conditions)})) / {DAY}"
    conditions += [] if atom.days is None else [f"occurred >= {as_of - atom.days * DAY}"]
    where = f"FILTER ({' AND '.join(conditions)})"
    if isinstance(atom, Count | ActiveDays | DistinctLabels):
        return f"count(*) {where}"
    return f"CAST(sum(value) {where} AS BIGINT) / {scale_of(atom.happening)}"


def _filled(number: int, atom: Atom) -> str:
    if isinstance(atom, DaysSince):
        return f"a{number}"
    return f"coalesce(a{number}, 0) AS a{number}"


if __name__ == "__main__":
    run_peer(stage, aggregates_at)
