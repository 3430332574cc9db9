"""Rows on their way: every source's rows, typed and judged, in tables of the sandbox.

`typed_events` keeps the order of the sources and of their rows, so that `rowid` is the place of
a row in the run. Faulty rows of every table meet in `quarantined`.
"""

from collections.abc import Sequence

import duckdb

from features.contract import EVENT_COLUMNS, KIND_CODES
from features.erasure import ERASED, Erased
from features.ingest.checks_sql import faults_sql, is_faulty_sql
from features.ingest.columns import unread_sql
from features.ingest.defects import Check
from features.ingest.identity import digest_sql
from features.ingest.quoting import identifier, literal, literals
from features.ingest.selection import Selection, create_views, drop_views, refused_by_duckdb
from features.mistakes import InputRefusedError

FAULTS = "STRUCT(rule VARCHAR, sentence VARCHAR)[]"
MOST_HINTS = 100
"""Suggestions are looked up for so many different unknown kinds at most."""


def create_staging(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty tables that the sources fill."""
    columns = ", ".join(
        f"{name} {'DOUBLE' if name == 'term_months' else sql_type}"
        for name, sql_type in EVENT_COLUMNS.items()
    )
    connection.execute(
        f"CREATE TABLE typed_events (source VARCHAR, {columns}, has_own_id BOOLEAN, "
        f"unread {FAULTS}, is_faulty BOOLEAN, is_erased BOOLEAN)"
    )
    connection.execute(
        "CREATE TABLE quarantined (source VARCHAR, into_table VARCHAR, source_row BIGINT, "
        f"customer_id VARCHAR, event_id VARCHAR, kind VARCHAR, faults {FAULTS}, said VARCHAR)"
    )


def stage_events(
    connection: duckdb.DuckDBPyConnection,
    selection: Selection,
    checks: Sequence[Check],
    erased: Erased,
) -> int:
    """Append the rows of one source, judged, to `typed_events`; return how many were read.

    Rows of customers who were erased are told apart, and go nowhere from here; where a newcomer
    was erased, ERASED stands instead.
    """
    first = count_rows(connection, "typed_events")
    judged = f"(len(unread) > 0) OR {is_faulty_sql(checks)}"
    kept = {name: name for name in EVENT_COLUMNS if name != "event_id"}
    newcomer = f"kind = 'referral_joined' AND {erased.sql('label')}"
    kept["label"] = f"CASE WHEN {newcomer} THEN {literal(ERASED)} ELSE label END"
    names = ", ".join(kept.values())
    source = literal(selection.source.name)
    query = (
        f"INSERT INTO typed_events SELECT {source}, {_event_id()}, {names}, "
        "event_id IS NOT NULL, unread, is_faulty OR is_erased, is_erased "
        f"FROM (SELECT *, {judged} AS is_faulty, {erased.sql('customer_id')} AS is_erased "
        f"FROM ({_defaulted(selection)}))"
    )
    rejected = run_selection(connection, selection, query)
    _quarantine_events(connection, selection.source.name, first, checks)
    return count_rows(connection, "typed_events") - first + rejected


def said_sql(columns: Sequence[str]) -> str:
    """Return JSON of a row as it was understood, without nulls."""
    fields = ", ".join(f"{identifier(name)} := {identifier(name)}" for name in columns)
    return f"CAST(json_merge_patch('{{}}', to_json(struct_pack({fields}))) AS VARCHAR)"


def run_selection(connection: duckdb.DuckDBPyConnection, selection: Selection, query: str) -> int:
    """Run a query over a source's SELECT; return how many lines its reader had to reject.

    Raises
    ------
    InputRefusedError
        If DuckDB cannot read the source to its end.
    """
    try:
        create_views(connection, selection.views)
        connection.execute(query)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        mistake = refused_by_duckdb(selection.source, error)
        raise InputRefusedError("A source could not be read to its end.", [mistake]) from error
    finally:
        drop_views(connection, selection.views)
    return _quarantine_rejected(connection, selection)


def count_rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Count the rows of a table or view of the sandbox."""
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])


def _defaulted(selection: Selection) -> str:
    columns = {name: column.value for name, column in selection.columns.items()}
    columns["recorded_at"] = f"coalesce({columns['recorded_at']}, {columns['occurred_at']})"
    projected = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    typed = (
        f"SELECT {projected}, {unread_sql(selection.columns)} AS unread "
        f"FROM (\n{selection.select}\n)"
    )
    # Files that pandas wrote hold NaN where a review came without a rating.
    rating = "CASE WHEN kind = 'review' AND isnan(amount) THEN NULL ELSE amount END"
    return f"SELECT * REPLACE ({rating} AS amount) FROM ({typed})"


def _event_id() -> str:
    return f"CASE WHEN event_id IS NULL AND NOT is_faulty THEN {digest_sql()} ELSE event_id END"


def _quarantine_events(
    connection: duckdb.DuckDBPyConnection, source: str, first: int, checks: Sequence[Check]
) -> None:
    faults = faults_sql(checks, _unknown_kinds(connection, first))
    connection.execute(
        f"INSERT INTO quarantined SELECT {literal(source)}, 'events', rowid - {first} + 1, "
        f"customer_id, event_id, kind, CASE WHEN len(unread) > 0 THEN unread ELSE {faults} END, "
        f"{said_sql(list(EVENT_COLUMNS))} "
        f"FROM typed_events WHERE is_faulty AND NOT is_erased AND rowid >= {first}"
    )


def _unknown_kinds(connection: duckdb.DuckDBPyConnection, first: int) -> list[str]:
    rows = connection.execute(
        f"SELECT DISTINCT kind FROM typed_events WHERE rowid >= {first} "
        "AND is_faulty AND NOT is_erased "
        f"AND kind NOT IN ({literals(KIND_CODES)}) LIMIT {MOST_HINTS}"
    ).fetchall()
    return [str(kind) for (kind,) in rows]


def _quarantine_rejected(connection: duckdb.DuckDBPyConnection, selection: Selection) -> int:
    """Move lines that the CSV reader could not split or convert into quarantine."""
    if not _has_table(connection, "reject_errors"):
        return 0
    before = count_rows(connection, "quarantined")
    sentence = (
        "'line ' || line || ' is ' || left(csv_line, 200) || '; ' || any_value(error_message)"
    )
    connection.execute(
        f"INSERT INTO quarantined SELECT {literal(selection.source.name)}, "
        f"{literal(selection.source.into)}, line, NULL, NULL, NULL, "
        f"[{{'rule': 'line unreadable', 'sentence': {sentence}}}], any_value(csv_line) "
        "FROM reject_errors JOIN reject_scans USING (scan_id, file_id) "
        "GROUP BY file_path, line, csv_line ORDER BY file_path, line"
    )
    connection.execute("DELETE FROM reject_errors")
    connection.execute("DELETE FROM reject_scans")
    return count_rows(connection, "quarantined") - before


def _has_table(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    query = "SELECT count(*) FROM duckdb_tables() WHERE table_name = $1"
    return bool(connection.execute(query, [name]).fetchall()[0][0])
