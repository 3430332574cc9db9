"""Which rows are new, which were there already, and which contradict what was there.

The log comes first, then the sources and rows in their order. A cheap hash finds the ids that
occur more than once; only those are compared as text. When an event was recorded counts as
content only where both rows say so: one that was posted to the service bears its receipt time,
which the same event in an export does not know.
"""

import duckdb

from features.contract import EVENT_COLUMNS
from features.ingest.identity import CONTENT_COLUMNS
from features.ingest.quoting import literals
from features.ingest.staging import count_rows, said_sql
from features.log import Log

LOGGED_PLACE = -1
_UNSAID = -1
_COMPARED = (
    f"hash({', '.join(column for column in CONTENT_COLUMNS if column != 'recorded_at')}) "
    f"AS content, coalesce(epoch_us(nullif(recorded_at, occurred_at)), {_UNSAID}) AS recorded"
)


def settle_repeats(connection: duckdb.DuckDBPyConnection, log: Log) -> int:
    """Leave in the view `new_events` what the log lacks; quarantine contradictions.

    Returns how many sound rows the log, or an earlier row, had already said word for word.
    Needs `typed_events`; creates `valid_events`, `new_events` and `verdicts`.
    """
    _give_ids(connection)
    _create_logged(connection, log)
    _create_verdicts(connection)
    _quarantine_contradictions(connection)
    connection.execute(
        "CREATE VIEW new_events AS SELECT * FROM valid_events ANTI JOIN verdicts USING (place)"
    )
    return count_rows(connection, "(SELECT * FROM verdicts WHERE says_the_same)")


def _give_ids(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `valid_events`, where rows without an id of their own have one, with an ordinal."""
    connection.execute(
        "CREATE TABLE ordinals AS WITH hashed AS (SELECT rowid AS place, event_id "
        "FROM typed_events WHERE NOT is_faulty AND NOT has_own_id), "
        "several AS (SELECT hash(event_id) AS key FROM hashed GROUP BY ALL HAVING count(*) > 1) "
        "SELECT place, row_number() OVER (PARTITION BY event_id ORDER BY place) AS ordinal "
        "FROM hashed WHERE hash(event_id) IN (FROM several)"
    )
    content = ", ".join(
        f"CAST({column} AS {EVENT_COLUMNS[column]}) AS {column}" for column in CONTENT_COLUMNS
    )
    final_id = "CASE WHEN has_own_id THEN event_id ELSE event_id || '-' || coalesce(ordinal, 1) END"
    connection.execute(
        "CREATE VIEW valid_events AS SELECT typed.rowid AS place, source, "
        f"{final_id} AS event_id, {content} FROM typed_events AS typed "
        "LEFT JOIN ordinals ON ordinals.place = typed.rowid WHERE NOT is_faulty"
    )


def _create_logged(connection: duckdb.DuckDBPyConnection, log: Log) -> None:
    columns = ", ".join(EVENT_COLUMNS)
    files = literals(map(str, log.files("events")))
    known = f"read_parquet([{files}])" if files else "valid_events WHERE false"
    connection.execute(f"CREATE VIEW logged_events AS SELECT {columns} FROM {known}")


def _create_verdicts(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "CREATE TABLE several AS SELECT key FROM (SELECT hash(event_id) AS key FROM valid_events "
        "UNION ALL SELECT hash(event_id) FROM logged_events) GROUP BY key HAVING count(*) > 1"
    )
    among = "WHERE hash(event_id) IN (FROM several)"
    connection.execute(
        f"CREATE TABLE contested AS SELECT event_id, place, {_COMPARED} "
        f"FROM valid_events {among} UNION ALL "
        f"SELECT event_id, {LOGGED_PLACE}, {_COMPARED} FROM logged_events {among}"
    )
    connection.execute(
        "CREATE TABLE verdicts AS WITH firsts AS (SELECT event_id, min(place) AS first_place, "
        "arg_min(content, place) AS first_content, arg_min(recorded, place) AS first_recorded "
        "FROM contested GROUP BY event_id) "
        "SELECT place, event_id, first_place, content = first_content AND (recorded = "
        f"first_recorded OR {_UNSAID} IN (recorded, first_recorded)) AS says_the_same "
        "FROM contested JOIN firsts USING (event_id) WHERE place > first_place"
    )


def _quarantine_contradictions(connection: duckdb.DuckDBPyConnection) -> None:
    columns = ", ".join(EVENT_COLUMNS)
    contradicted = "SELECT {key} FROM verdicts WHERE NOT says_the_same"
    firsts = (
        f"SELECT {columns} FROM valid_events "
        f"WHERE place IN ({contradicted.format(key='first_place')}) UNION ALL "
        f"SELECT {columns} FROM logged_events WHERE event_id IN "
        f"({contradicted.format(key='event_id')} AND first_place = {LOGGED_PLACE})"
    )
    sentence = (
        "'event id ' || here.event_id || ' is already in the log with other content (' || "
        f"concat_ws('; ', {', '.join(map(_difference, CONTENT_COLUMNS))}) || ')'"
    )
    said = said_sql(list(EVENT_COLUMNS))
    connection.execute(
        f"INSERT INTO quarantined WITH firsts AS ({firsts}), rejected AS (SELECT *, {said} AS said "
        f"FROM valid_events WHERE place IN ({contradicted.format(key='place')})), "
        "starts AS (SELECT source, min(rowid) AS start FROM typed_events GROUP BY source) "
        "SELECT here.source, 'events', here.place - start + 1, here.customer_id, here.event_id, "
        f"here.kind, [{{'rule': 'event_id with other content', 'sentence': {sentence}}}], said "
        "FROM rejected AS here JOIN firsts AS log USING (event_id) "
        "JOIN starts ON starts.source = here.source ORDER BY here.place"
    )


def _difference(column: str) -> str:
    def shown(table: str) -> str:
        return f"coalesce(CAST({table}.{column} AS VARCHAR), 'missing')"

    says = f"'{column} ' || {shown('log')} || ', here ' || {shown('here')}"
    return f"CASE WHEN log.{column} IS DISTINCT FROM here.{column} THEN {says} END"
