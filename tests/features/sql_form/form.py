"""The SQL form: DuckDB SQL generated from a catalogue, independent of the kernel.

Visible rows -> happenings derived from them -> filtered aggregates -> arithmetic. Memory is
bounded by giving it the events of one bucket of customers after another.
"""

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from features.references import References
from features.rules import CustomerRules
from features.signal import Signal
from tests.features.sql_form.arithmetic import macros
from tests.features.sql_form.happenings import ATTEMPTS, PURCHASES
from tests.features.sql_form.plan_states import plan_state_tables
from tests.features.sql_form.subscriptions import PLAN_EVENTS, subscription_tables
from tests.features.sql_form.tables import (
    create_tables,
    hold_customers,
    hold_instants,
    stage_events,
)
from tests.features.sql_form.translation import Translation

_SEEN = """
seen AS (
    SELECT DISTINCT as_of, customer, true AS is_seen FROM staged, instants WHERE visible < as_of
)"""


class SqlForm:
    """Evaluate signals of one business by SQL, on any events and instants."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        signals: Sequence[Signal],
        rules: CustomerRules,
        customers: pa.Table | None = None,
    ) -> None:
        """Create the tables in an empty database, and prepare the query."""
        self._connection, self._rules = connection, rules
        connection.execute("SET enable_progress_bar = false")
        create_tables(connection)
        hold_customers(connection, customers)
        connection.execute(macros(rules))
        connection.execute(f"PREPARE signals_of_everybody AS {signals_sql(signals, rules)}")

    def stage(self, events: str) -> None:
        """Read the events of a relation that has the contract's columns, named in SQL."""
        stage_events(self._connection, events, self._rules)

    def stage_table(self, events: pa.Table) -> None:
        """Read the events of an Arrow table."""
        self._connection.register("given_events", events)
        self.stage("given_events")
        self._connection.unregister("given_events")

    def signals(self, references: Mapping[int, References]) -> pa.Table:
        """Return `customer_id`, `as_of` in microseconds and one column a signal, in order.

        `references` names every as_of, with the references that hold there.
        """
        hold_instants(self._connection, references)
        return self._connection.sql("EXECUTE signals_of_everybody").to_arrow_table()


def signals_sql(signals: Sequence[Signal], rules: CustomerRules) -> str:
    """Return the query: one row a customer and as_of, one DOUBLE column a signal; NULL is NaN."""
    translation = Translation(rules)
    columns = [
        f'CAST({translation.sql(signal.expression)} AS DOUBLE) AS "{signal.name}"'
        for signal in signals
    ]
    relations = list(translation.relations())
    joins = [
        f"LEFT JOIN source_{number} USING (as_of, customer)" for number in range(len(relations))
    ]
    tables = [_SEEN, PLAN_EVENTS, PURCHASES, ATTEMPTS]
    tables += [*subscription_tables(rules), *plan_state_tables(rules)]
    tables += [f"source_{n} AS ({relation})" for n, relation in enumerate(relations)]
    return f"""
        WITH {", ".join(tables)}
        SELECT customer_id, as_of, {", ".join(columns)}
        FROM population CROSS JOIN (SELECT as_of FROM instants)
        {" ".join(joins)}
        LEFT JOIN plan_states USING (as_of, customer)
        LEFT JOIN seen USING (as_of, customer)
        LEFT JOIN customers USING (customer_id)
        ORDER BY as_of, customer_id
    """
