"""The common signals in DuckDB SQL: conditional sums by customer, one query a cutoff.

    python -m benchmarks.features.duckdb_peer WORKSPACE plain|grouped [--save FILE]

`plain` sums over the events; `grouped` first groups them by customer, kind and label.
"""

from pathlib import Path

import duckdb
import numpy as np

from benchmarks.features.peer import (
    ATOMS,
    WINDOWS,
    Aggregates,
    Form,
    run_peer,
    scale_of,
    staged_sql,
)
from benchmarks.features.signals_compared import Atom, kind_and_label
from benchmarks.features.synthetic_tables import DAY
from features.contract import KIND_CODES
from features.expressions import ActiveDays, Count, DaysSince, DistinctLabels, Total
from features.log import Log

MEMORY_LIMIT = "1GB"
_LONGEST_DISTINCT = 180


def stage(workspace: Path) -> duckdb.DuckDBPyConnection:
    """Return a database with the log as a table of numbers, sorted by customer."""
    connection = duckdb.connect()
    for setting in (
        f"memory_limit = '{MEMORY_LIMIT}'",
        f"temp_directory = '{workspace / 'state' / 'tmp' / 'duckdb-peer'}'",
        "TimeZone = 'UTC'",
        "enable_progress_bar = false",
    ):
        connection.execute(f"SET {setting}")
    staged = staged_sql(Log.open(workspace / "state"))
    connection.execute(f"""
        CREATE TABLE customers AS SELECT customer_id,
            CAST(row_number() OVER (ORDER BY customer_id) - 1 AS INTEGER) AS customer
        FROM (SELECT DISTINCT customer_id FROM ({staged}))""")
    connection.execute(
        f"CREATE TYPE word AS ENUM (SELECT DISTINCT label FROM ({staged}) WHERE label IS NOT NULL)"
    )
    connection.execute(f"""
        CREATE TABLE events AS
        SELECT customer, kind, CAST(label AS word) AS label, occurred, visible, value
        FROM ({staged}) JOIN customers USING (customer_id) ORDER BY customer""")
    return connection


def aggregates_at(connection: duckdb.DuckDBPyConnection, as_of: int, form: Form) -> Aggregates:
    """Return every atom of all customers at one cutoff."""
    rows = connection.execute(_query(as_of, form)).fetchnumpy()
    return {
        atom: np.ma.filled(rows[f"a{number}"].astype(np.float64), np.nan)
        for number, atom in enumerate(ATOMS)
    }


def _query(as_of: int, form: Form) -> str:
    sources = {
        "plain": "visible" if form == "plain" else "grouped",
        "days": "by_day",
        "metric": "daily",
        "labels": "by_label",
    }
    found = ", ".join(
        f"{part}_found AS ({_summed(part, source, as_of, form)})"
        for part, source in sources.items()
    )
    columns = ", ".join(_filled(number, atom) for number, atom in enumerate(ATOMS))
    joins = " ".join(f"LEFT JOIN {part}_found USING (customer)" for part in sources)
    return f"""
        WITH visible AS (SELECT * FROM events WHERE visible < {as_of}),
        grouped AS ({_grouped(as_of)}),
        daily AS (
            SELECT customer, label, occurred // {DAY} AS day, max(occurred) AS latest
            FROM visible WHERE kind = {KIND_CODES["usage"]}
                AND occurred >= {as_of - _LONGEST_DISTINCT * DAY} GROUP BY ALL),
        by_day AS (SELECT customer, day, max(latest) AS latest FROM daily GROUP BY ALL),
        by_label AS (
            SELECT customer, label, max(latest) AS latest FROM daily
            WHERE label IS NOT NULL GROUP BY ALL),
        {found}
        SELECT {columns} FROM customers {joins} ORDER BY customer"""


def _grouped(as_of: int) -> str:
    """Group by customer, kind and label, with a count and a sum a window."""
    columns = [
        f"sum(CASE WHEN {_within(days, as_of)} THEN {what} ELSE 0 END) AS {name}_{days}"
        for days in WINDOWS
        for name, what in (("n", "1"), ("total", "value"))
    ]
    return f"""
        SELECT customer, kind, label, min(occurred) AS earliest, max(occurred) AS latest,
        {", ".join(columns)} FROM visible GROUP BY customer, kind, label"""


def _summed(part: str, source: str, as_of: int, form: Form) -> str:
    columns = ", ".join(
        f"{_aggregate(atom, as_of, form)} AS a{number}"
        for number, atom in enumerate(ATOMS)
        if _part(atom) == part
    )
    return f"SELECT customer, {columns} FROM {source} GROUP BY customer"


def _part(atom: Atom) -> str:
    if isinstance(atom, DistinctLabels):
        return "labels"
    if isinstance(atom, ActiveDays):
        return "metric" if ":" in atom.happening else "days"
    return "plain"


def _aggregate(atom: Atom, as_of: int, form: Form) -> str:
    kind, label = kind_and_label(atom.happening)
    chosen = [] if label is None else [f"label = '{label}'"]
    if isinstance(atom, ActiveDays | DistinctLabels):
        window = f"latest >= {as_of - atom.days * DAY}"
        return f"sum(CASE WHEN {' AND '.join([*chosen, window])} THEN 1 ELSE 0 END)"
    chosen.append(f"kind = {kind}")
    if isinstance(atom, DaysSince):
        instant = {"first": "min({})", "latest": "max({})"}[atom.which].format(
            f"CASE WHEN {' AND '.join(chosen)} THEN {_instant(atom, form)} END"
        )
        return f"({as_of} - {instant}) / {DAY}"
    if form == "plain":
        chosen.append(_within(atom.days, as_of))
    total = f"sum(CASE WHEN {' AND '.join(chosen)} THEN {_amount(atom, form)} ELSE 0 END)"
    if isinstance(atom, Count):
        return total
    return f"CAST({total} AS BIGINT) / {scale_of(atom.happening)}"


def _instant(atom: DaysSince, form: Form) -> str:
    if form == "plain":
        return "occurred"
    return "earliest" if atom.which == "first" else "latest"


def _amount(atom: Count | Total, form: Form) -> str:
    if form == "plain":
        return "1" if isinstance(atom, Count) else "value"
    return f"{'n' if isinstance(atom, Count) else 'total'}_{atom.days}"


def _within(days: int | None, as_of: int) -> str:
    return "true" if days is None else f"occurred >= {as_of - days * DAY}"


def _filled(number: int, atom: Atom) -> str:
    return f"a{number}" if isinstance(atom, DaysSince) else f"coalesce(a{number}, 0) AS a{number}"


if __name__ == "__main__":
    run_peer(stage, aggregates_at)
