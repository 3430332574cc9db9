"""What the peers share: the staged log, the arithmetic of signals, and the timed loop.

A peer computes atoms (counts, totals, days since, active days, distinct labels) of all customers
at one cutoff; the arithmetic on top costs next to nothing and is the same for all. Each comes in
two forms: `plain`, as people write it, and `grouped`, which first reduces the events to one row a
customer, kind and label with a count and a sum a window.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.features.agreement import keep_matrix
from benchmarks.features.measuring import Stopwatch, peak_gb
from benchmarks.features.signals_compared import RULES, Atom, atoms_of, common_signals, instants
from features.contract import KIND_CODES, KINDS
from features.expressions import Arithmetic, Constant, Expression
from features.log import Log

Form = Literal["plain", "grouped"]
Values = NDArray[np.float64]
Aggregates = Mapping[Atom, Values]
_MONEY = {KIND_CODES[kind.name] for kind in KINDS if kind.is_money}
ATOMS = atoms_of(common_signals())
WINDOWS = (None, 365, 180, 90, 30, 7)


def staged_sql(log: Log) -> str:
    """Return the SELECT of the log as every peer takes it: numbers for kinds, times and amounts.

    `visible` is the later of occurred_at and recorded_at; `value` is integer minor units or
    thousandths, so that sums are exact whatever their order, 0 where null.
    """
    files = ", ".join(f"'{path}'" for path in log.files("events"))
    kinds = " ".join(f"WHEN '{name}' THEN {code}" for name, code in KIND_CODES.items())
    money = ", ".join(f"'{kind.name}'" for kind in KINDS if kind.is_money)
    scale = f"CASE WHEN kind IN ({money}) THEN {RULES.minor_units} ELSE 1000 END"
    return f"""
        SELECT customer_id, CAST(CASE kind {kinds} END AS TINYINT) AS kind, label,
            epoch_us(occurred_at) AS occurred,
            greatest(epoch_us(occurred_at), coalesce(epoch_us(recorded_at), 0)) AS visible,
            CAST(round_even(coalesce(amount, 0) * {scale}, 0) AS BIGINT) AS value
        FROM read_parquet([{files}])"""


def staged_table(workspace: Path) -> tuple[pa.Table, int]:
    """Return the log as Arrow, customers and labels as dictionaries, and how many customers."""
    query = f"""
        WITH events AS ({staged_sql(Log.open(workspace / "state"))}),
        customers AS (SELECT customer_id, CAST(row_number() OVER (ORDER BY customer_id) - 1 AS
            INTEGER) AS customer FROM (SELECT DISTINCT customer_id FROM events))
        SELECT customer, kind, label, occurred, visible, value
        FROM events JOIN customers USING (customer_id)"""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        table = connection.sql(query).to_arrow_table()
    return table, int(pa.compute.max(table.column("customer")).as_py()) + 1


def customer_ids(workspace: Path) -> list[str]:
    """Return the customers of the log in the order of their numbers."""
    paths = [str(path) for path in Log.open(workspace / "state").files("events")]
    query = f"SELECT DISTINCT customer_id FROM read_parquet({paths}) ORDER BY customer_id"
    return [row[0] for row in duckdb.sql(query).fetchall()]


def scale_of(happening: str) -> float:
    """Return how many units of a staged value make one of a signal."""
    return float(RULES.minor_units if _code(happening) in _MONEY else 1000)


def matrix_of(aggregates: Aggregates) -> Values:
    """Return the common signals, shape (n_customers, n_signals)."""
    return np.column_stack([_value(signal.expression, aggregates) for signal in common_signals()])


def run_peer(
    stage: Callable[[Path], Any], aggregates_at: Callable[[Any, int, Form], Aggregates]
) -> None:
    """Stage a workspace's log, compute all cutoffs, and print the readings."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workspace", type=Path)
    parser.add_argument("form", choices=get_args(Form))
    parser.add_argument("--save", type=Path)
    arguments, watch = parser.parse_args(), Stopwatch()
    with watch.timed("staging"):
        staged = stage(arguments.workspace)
    for as_of in instants():
        with watch.timed("signals"):
            matrix = matrix_of(aggregates_at(staged, as_of, arguments.form))
        if arguments.save:
            keep_matrix(arguments.save, as_of, customer_ids(arguments.workspace), matrix)
    events = Log.open(arguments.workspace / "state").n_events
    readings = {"events": events, "signals": len(common_signals()), "peak_gb": peak_gb()}
    print(json.dumps(readings | watch.readings()))


def _value(expression: Expression, aggregates: Aggregates) -> Values:
    if isinstance(expression, Constant):
        return np.array(expression.value)
    if not isinstance(expression, Arithmetic):
        return aggregates[expression]
    left, right = _value(expression.left, aggregates), _value(expression.right, aggregates)
    if expression.operator == "/":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(right == 0, np.nan, left / right)
    operators = {"+": np.add, "-": np.subtract, "min": np.minimum, "max": np.maximum}
    return operators[expression.operator](left, right)


def _code(happening: str) -> int:
    return KIND_CODES[happening.partition(":")[0]]
