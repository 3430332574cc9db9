"""The customers and plans tables: typed, judged, one row per key, replaced as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb

from features.contract import CUSTOMER_COLUMNS, PLAN_COLUMNS
from features.erasure import Erased
from features.ingest.checks import CUSTOMER_CHECKS, PLAN_CHECKS
from features.ingest.checks_sql import faults_sql, is_faulty_sql
from features.ingest.columns import unread_sql
from features.ingest.defects import Check
from features.ingest.quoting import identifier, literal, literals
from features.ingest.selection import Selection
from features.ingest.staging import count_rows, run_selection, said_sql
from features.log import Log


@dataclass(frozen=True)
class TableRules:
    """Say how a table is judged, what identifies a row, and in which order rows are written."""

    table: Literal["customers", "plans"]
    columns: dict[str, str]
    checks: tuple[Check, ...]
    key: tuple[str, ...]


CUSTOMERS = TableRules("customers", CUSTOMER_COLUMNS, CUSTOMER_CHECKS, ("customer_id",))
PLANS = TableRules("plans", PLAN_COLUMNS, PLAN_CHECKS, ("plan", "valid_from"))


def stage_table(
    connection: duckdb.DuckDBPyConnection,
    rules: TableRules,
    selections: Sequence[Selection],
    erased: Erased,
) -> dict[str, int]:
    """Create `current_customers` or `current_plans`; return the rows read of each source.

    Of several rows with one key the first stays; others are quarantined unless they say the same.
    Customers who were erased are passed over, and nobody is referred by them.
    """
    if not selections:
        return {}
    parts = [f"staged_{rules.table}_{number}" for number in range(len(selections))]
    rows_read = {
        selection.source.name: _stage(connection, rules, selection, part, erased)
        for selection, part in zip(selections, parts, strict=True)
    }
    union = " UNION ALL BY NAME ".join(f"SELECT * FROM {part}" for part in parts)
    connection.execute(f"CREATE TABLE typed_{rules.table} AS {union}")
    names = [*rules.columns, *_attributes(rules, selections)]
    _quarantine_faulty(connection, rules, names)
    _settle_keys(connection, rules, names)
    return rows_read


def is_changed(connection: duckdb.DuckDBPyConnection, rules: TableRules, log: Log) -> bool:
    """Compare the staged table, if there is one, with the log's; one of format 1 is replaced."""
    if not _is_staged(connection, rules):
        return False
    if rules is CUSTOMERS and not log.has_customers_by_bucket:
        return True
    current = f"SELECT * FROM current_{rules.table}"
    files = log.files(rules.table)
    if not files:
        return count_rows(connection, f"current_{rules.table}") > 0
    logged = f"SELECT * FROM read_parquet([{literals(map(str, files))}])"
    if _described(connection, current) != _described(connection, logged):
        return True
    differing = f"(({current} EXCEPT ALL {logged}) UNION ALL ({logged} EXCEPT ALL {current}))"
    return count_rows(connection, differing) > 0


def _stage(
    connection: duckdb.DuckDBPyConnection,
    rules: TableRules,
    selection: Selection,
    part: str,
    erased: Erased,
) -> int:
    columns = {name: column.value for name, column in selection.columns.items()}
    columns |= dict(selection.attributes)
    projected = ", ".join(f"{sql} AS {identifier(name)}" for name, sql in columns.items())
    typed = (
        f"SELECT {literal(selection.source.name)} AS _source, row_number() OVER () AS _row, "
        f"{projected}, {unread_sql(selection.columns)} AS _unread FROM (\n{selection.select}\n)"
    )
    judged = f"(len(_unread) > 0) OR {is_faulty_sql(rules.checks)}"
    if rules is CUSTOMERS:
        by = f"CASE WHEN {erased.sql('referred_by')} THEN NULL ELSE referred_by END"
        kept = f"NOT {erased.sql('customer_id')}"
        typed = f"SELECT * REPLACE ({by} AS referred_by) FROM ({typed}) WHERE {kept}"
    query = f"CREATE TABLE {part} AS SELECT *, {judged} AS _is_faulty FROM ({typed})"
    rejected = run_selection(connection, selection, query)
    return count_rows(connection, part) + rejected


def _attributes(rules: TableRules, selections: Sequence[Selection]) -> list[str]:
    given = (name for selection in selections for name in selection.attributes)
    return [name for name in dict.fromkeys(given) if name not in rules.columns]


def _quarantine_faulty(
    connection: duckdb.DuckDBPyConnection, rules: TableRules, names: Sequence[str]
) -> None:
    faults = f"CASE WHEN len(_unread) > 0 THEN _unread ELSE {faults_sql(rules.checks)} END"
    connection.execute(
        f"INSERT INTO quarantined SELECT _source, {literal(rules.table)}, _row, "
        f"{_customer(rules)}, NULL, NULL, {faults}, {said_sql(names)} "
        f"FROM typed_{rules.table} WHERE _is_faulty"
    )


def _settle_keys(
    connection: duckdb.DuckDBPyConnection, rules: TableRules, names: Sequence[str]
) -> None:
    columns, key = ", ".join(map(identifier, names)), ", ".join(rules.key)
    said = f"hash({columns})"
    connection.execute(
        f"CREATE TABLE ranked_{rules.table} AS SELECT *, "
        f"row_number() OVER by_key AS _rank, {said} = first_value({said}) OVER by_key AS _is_same "
        f"FROM typed_{rules.table} WHERE NOT _is_faulty "
        f"WINDOW by_key AS (PARTITION BY {key} ORDER BY rowid)"
    )
    shown = " || ', ' || ".join(f"coalesce(CAST({name} AS VARCHAR), 'null')" for name in rules.key)
    sentence = f"'{' and '.join(rules.key)} is ' || {shown} || '; an earlier row says otherwise'"
    connection.execute(
        f"INSERT INTO quarantined SELECT _source, {literal(rules.table)}, _row, "
        f"{_customer(rules)}, NULL, NULL, "
        f"[{{'rule': '{rules.key[0]} repeated with other content', 'sentence': {sentence}}}], "
        f"{said_sql(names)} FROM ranked_{rules.table} WHERE NOT _is_same"
    )
    connection.execute(
        f"CREATE TABLE current_{rules.table} AS SELECT {columns} FROM ranked_{rules.table} "
        f"WHERE _rank = 1 ORDER BY {key}"
    )


def _customer(rules: TableRules) -> str:
    return "customer_id" if "customer_id" in rules.columns else "NULL"


def _is_staged(connection: duckdb.DuckDBPyConnection, rules: TableRules) -> bool:
    query = "SELECT count(*) FROM duckdb_tables() WHERE table_name = $1"
    return bool(connection.execute(query, [f"current_{rules.table}"]).fetchall()[0][0])


def _described(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, str]]:
    rows = connection.execute(f"DESCRIBE {query}").fetchall()
    return [(str(name), str(sql_type)) for name, sql_type, *_ in rows]
