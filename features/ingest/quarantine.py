"""Rows that broke a rule: counted, explained, and written where they can be looked at."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import duckdb

from features.ingest.quoting import literal
from features.ingest.report import QuarantinedRows
from features.mistakes import InputRefusedError, Mistake
from features.sources import IngestRules

MOST_REASONS_TOLD = 20
"""A refusal tells so many reasons at most; the quarantine file holds them all."""

MOST_REASONS = 1000
"""So many combinations of source, kind and rule are reported at most, the largest first."""


def quarantined_events(connection: duckdb.DuckDBPyConnection) -> int:
    """Count the event rows in quarantine."""
    query = "SELECT count(*) FROM quarantined WHERE into_table = 'events'"
    return int(connection.execute(query).fetchall()[0][0])


def reasons_of(connection: duckdb.DuckDBPyConnection) -> tuple[QuarantinedRows, ...]:
    """Count by source, kind and rule, the largest first, with one example each."""
    rows = connection.execute(
        "SELECT source, left(kind, 60), fault.rule, count(*) AS rows, "
        "arg_min(fault.sentence, source_row) "
        "FROM (SELECT source, kind, source_row, unnest(faults) AS fault FROM quarantined) "
        f"GROUP BY ALL ORDER BY rows DESC, 1, 2, 3 LIMIT {MOST_REASONS}"
    ).fetchall()
    return tuple(QuarantinedRows(*row) for row in rows)


def write_quarantine(connection: duckdb.DuckDBPyConnection, state: Path) -> Path | None:
    """Write the quarantined rows to a CSV named after its content, or nothing if there are none.

    Columns: source, table, row (from 1, in the SELECT's order; for a line that could not be
    read, its line), customer_id, event_id, kind, reasons, values (JSON, as understood).
    """
    folder = state / "quarantine"
    draft = folder / "tmp.csv"
    draft.unlink(missing_ok=True)  # what a killed run left
    if not connection.execute("SELECT 1 FROM quarantined LIMIT 1").fetchall():
        return None
    folder.mkdir(parents=True, exist_ok=True)
    connection.execute(f"COPY ({_ROWS}) TO {literal(str(draft))} (FORMAT csv, HEADER)")
    with draft.open("rb") as content:
        os.fsync(content.fileno())
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return draft.rename(folder / f"{digest[:16]}.csv")


def refuse_too_many(
    quarantined: int,
    n_events: int,
    limits: IngestRules,
    reasons: Sequence[QuarantinedRows],
    path: Path | None,
) -> None:
    """Raise InputRefusedError if more of the event rows are quarantined than the limits allow."""
    share = quarantined / n_events
    if share <= limits.max_quarantined_share:
        return
    allowed = f"at most {limits.max_quarantined_share:.2%} may be (ingest.max_quarantined_share)"
    value = f"{quarantined:,} of {n_events:,} event rows ({share:.2%})"
    mistakes = [Mistake("quarantined", value, f"{allowed}; see {path}")]
    mistakes += [
        Mistake(
            f"sources[{reason.source}]",
            f"at fault in {reason.rows:,} rows ({reason.rule})",
            f"for example {reason.example}",
        )
        for reason in reasons[:MOST_REASONS_TOLD]
    ]
    raise InputRefusedError("Too many rows break the contract; the log is unchanged.", mistakes)


def _shown(column: str) -> str:
    return f"replace({column}, chr(0), '\\0') AS {column}"


_ROWS = (
    'SELECT source, into_table AS "table", source_row AS row, '
    f"{_shown('customer_id')}, {_shown('event_id')}, {_shown('kind')}, "
    "array_to_string(list_transform(faults, lambda fault: fault.sentence), '. ') AS reasons, "
    "replace(said, chr(0), '\\0') AS \"values\" FROM quarantined "
    "ORDER BY source, into_table, source_row, reasons"
)
