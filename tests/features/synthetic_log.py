"""Logs of made-up subscribers, large enough for several slices: written straight as files."""

import json
from pathlib import Path

import duckdb

from features.contract import EVENT_COLUMNS
from features.log import EVENT_ORDER, Log

# A number in [0, 1) for each row and purpose, the same in every run.
_CHANCE = "(hash(i, '{}') % 1000003) / 1000003.0"
_EVENTS = f"""
    SELECT md5(CAST(i AS VARCHAR)) AS event_id,
        CASE WHEN i < $customers THEN i
            ELSE CAST(floor($customers * pow({_CHANCE.format("who")}, 3)) AS BIGINT) END AS number,
        'c' || lpad(CAST(number AS VARCHAR), 8, '0') AS customer_id,
        CASE WHEN i < $customers THEN 'subscribe'
            ELSE ['usage', 'payment', 'support', 'plan_change', 'payment_failed', 'renew', 'refund',
                'review', 'cancel', 'usage'][CAST(1 + hash(i, 'kind') % 10 AS INTEGER)] END AS kind,
        TIMESTAMPTZ '2023-01-01 00:00:00+00'
            + to_microseconds(CAST({_CHANCE.format("when")} * 31000000 AS BIGINT) * 1000000)
            AS occurred_at,
        occurred_at + CASE WHEN hash(i, 'late') % 30 = 0 THEN INTERVAL 9 DAY ELSE INTERVAL 0 DAY END
            AS recorded_at,
        NULL AS effective_at, NULL AS subscription_id,
        CASE WHEN kind NOT IN ('support', 'cancel') THEN 10 * (1 + hash(i, 'amount') % 4) END
            AS amount,
        NULL AS list_amount,
        CASE WHEN kind = 'usage' THEN 'metric ' || hash(i, 'label') % 3
            WHEN kind IN ('subscribe', 'plan_change', 'renew') THEN 'plan ' || amount
            WHEN kind = 'support' THEN 'high' END AS label,
        NULL AS term_months, NULL AS basket_id
    FROM range($events) AS r(i)"""
_CUSTOMERS = """
    SELECT 'c' || lpad(CAST(i AS VARCHAR), 8, '0') AS customer_id,
        TIMESTAMPTZ '2022-12-01 00:00:00+00' AS acquired_at,
        ['AT', 'DE', 'IT'][1 + i % 3] AS country, i AS points
    FROM range($customers) AS r(i) ORDER BY customer_id"""


def write_synthetic_log(state: Path, events: int, customers: int, buckets: int) -> Log:
    """Write a log of 2023 in which every customer subscribes and a few have most events."""
    folder = state / "log" / "made"
    folder.mkdir(parents=True)
    with duckdb.connect(config={"memory_limit": "2GB", "threads": 2}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        values = {"events": events, "customers": customers}
        connection.execute(f"CREATE TABLE made AS {_EVENTS}", values)
        files = [_events_file(connection, folder, bucket, buckets) for bucket in range(buckets)]
        path = folder / "customers.parquet"
        connection.execute(f"COPY ({_CUSTOMERS}) TO '{path}'", {"customers": customers})
    files.append(_named(path, "customers", None, customers))
    manifest = {"batch_id": "made", "source": "synthetic", "files": files}
    text = json.dumps({"format": 1, "buckets": buckets, "batches": [manifest]})
    (state / "log" / "manifest.json").write_text(text)
    return Log.open(state)


def _events_file(
    connection: duckdb.DuckDBPyConnection, folder: Path, bucket: int, buckets: int
) -> dict:
    path = folder / f"events-{bucket:03d}.parquet"
    columns = ", ".join(
        f"CAST({name} AS {type_}) AS {name}" for name, type_ in EVENT_COLUMNS.items()
    )
    own = f"CAST(('0x' || md5(customer_id)[:8]) AS UBIGINT) % {buckets} = {bucket}"
    ((rows,),) = connection.execute(
        f"COPY (SELECT {columns} FROM made WHERE {own} ORDER BY {EVENT_ORDER}) TO '{path}'"
    ).fetchall()
    return _named(path, "events", bucket, rows)


def _named(path: Path, table: str, bucket: int | None, rows: int) -> dict:
    name = f"made/{path.name}"
    return {"path": name, "table": table, "bucket": bucket, "rows": rows, "sha256": name}
