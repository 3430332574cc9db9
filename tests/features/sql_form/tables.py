"""The tables that the SQL form reads: staged events, customers, instants with their references.

Times are microseconds since the epoch, money is integer minor units, usage what its metric's scale
says, other quantities thousandths.
"""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from features.contract import CUSTOMER_COLUMNS, KINDS
from features.references import References
from features.rules import CustomerRules

THOUSANDTHS = 1000
NEVER = 2**62
"""An instant later than any other."""

_MONEY_KINDS = ", ".join(f"'{kind.name}'" for kind in KINDS if kind.is_money)
_KINDS = ", ".join(f"'{kind.name}'" for kind in KINDS)
_STAGED = f"""
CREATE TABLE staged (
    customer INTEGER, seq BIGINT, kind ENUM ({_KINDS}), label VARCHAR, occurred BIGINT,
    visible BIGINT, effective BIGINT, value BIGINT, listed BIGINT, term BIGINT,
    subscription VARCHAR, basket VARCHAR
);
CREATE TABLE population (customer INTEGER, customer_id VARCHAR);
CREATE TABLE instants (
    as_of BIGINT, ladder MAP(VARCHAR, BIGINT), allowances MAP(VARCHAR, DOUBLE),
    cohort_prices MAP(VARCHAR, BIGINT), typical_price BIGINT
);
"""


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables, empty."""
    connection.execute(_STAGED)


def stage_events(connection: duckdb.DuckDBPyConnection, events: str, rules: CustomerRules) -> None:
    """Fill `population` and `staged` from a relation with the contract's columns, named `events`.

    `seq` is the one order of a customer's events: by occurred_at, then event_id.
    """
    connection.execute("DELETE FROM population")
    connection.execute(f"""
        INSERT INTO population
        SELECT row_number() OVER (ORDER BY customer_id), customer_id
        FROM (SELECT DISTINCT customer_id FROM {events})
    """)
    metrics = " ".join(
        f"WHEN kind = 'usage' AND label = '{metric}' THEN {scale}"
        for metric, scale in rules.usage_scale.items()
    )
    money = f"WHEN kind IN ({_MONEY_KINDS}) THEN {rules.minor_units}"
    scale = f"CASE {money} {metrics} ELSE {THOUSANDTHS} END"
    connection.execute("DELETE FROM staged")
    connection.execute(f"""
        INSERT INTO staged
        SELECT
            customer,
            row_number() OVER (PARTITION BY customer ORDER BY occurred_at, event_id),
            kind,
            label,
            epoch_us(occurred_at),
            greatest(epoch_us(occurred_at), epoch_us(recorded_at)),
            epoch_us(coalesce(effective_at, occurred_at)),
            CAST(round_even(amount * ({scale}), 0) AS BIGINT),
            CAST(round_even(list_amount * {rules.minor_units}, 0) AS BIGINT),
            coalesce(term_months, 0),
            subscription_id,
            basket_id
        FROM {events} JOIN population USING (customer_id)
    """)


def hold_customers(connection: duckdb.DuckDBPyConnection, customers: pa.Table | None) -> None:
    """Make the table `customers`, with every column of the contract and the attributes given."""
    absent = {} if customers is None else dict.fromkeys(customers.column_names)
    empty = [
        f"NULL::{kind} AS {name}" for name, kind in CUSTOMER_COLUMNS.items() if name not in absent
    ]
    if customers is None:
        query = f"SELECT {', '.join(empty)} WHERE false"
    else:
        connection.register("given_customers", customers)
        query = f"SELECT {', '.join(['*', *empty])} FROM given_customers"
    connection.execute(f"CREATE OR REPLACE TABLE customers AS {query}")


def hold_instants(
    connection: duckdb.DuckDBPyConnection, references: Mapping[int, References]
) -> None:
    """Fill `instants`: each as_of in microseconds, with the references that hold there."""
    connection.execute("DELETE FROM instants")
    for as_of, known in references.items():
        maps = [known.ladder, known.allowances, known.cohort_prices]
        pairs = [list(part) for words in maps for part in (words.keys(), words.values())]
        connection.execute(
            "INSERT INTO instants VALUES (?, map(?::VARCHAR[], ?::BIGINT[]), "
            "map(?::VARCHAR[], ?::DOUBLE[]), map(?::VARCHAR[], ?::BIGINT[]), ?)",
            [as_of, *pairs, known.typical_price],
        )
