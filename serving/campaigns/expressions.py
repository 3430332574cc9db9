"""Conditions on customers: boolean SQL over signals and scores, checked before it is ever run.

DuckDB's own parser reads the text; only a tree made of the parts named here is taken, and what
runs is that tree written out again, on an in-memory table, by a connection that sees nothing else.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.mistakes import ConfigurationError, Mistake

Tree = dict[str, Any]
_OPERATORS = frozenset(
    {
        *("OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"),
        *("OPERATOR_COALESCE", "COMPARE_IN"),
    }
)
_PLAIN = frozenset({"CONJUNCTION", "COMPARISON", "BETWEEN", "CONSTANT", "COLUMN_REF", "CASE"})
_SIGNS = frozenset({"+", "-", "*", "/", "//", "%", "~~", "!~~", "~~*", "!~~*", "||"})
FUNCTIONS = (
    *("abs", "ceil", "contains", "ends_with", "floor", "greatest", "least", "length"),
    *("lower", "round", "starts_with", "upper"),
)
_CONFINED: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "enable_external_access": False,
    # What is divided by zero is unknown, neither infinite nor a fault.
    "error_on_division_by_zero": False,
    "ieee_floating_point_ops": False,
    "lock_configuration": True,
}
_BY_COLUMN_TYPE = {pa.string(): "text", pa.float64(): 1.5, pa.int32(): 1}


@dataclass(frozen=True)
class Expression:
    """Hold a condition that was parsed: SQL written from the checked tree, and its columns."""

    sql: str
    columns: tuple[str, ...]


def parse(text: str) -> Expression:
    """Return the expression that a text says.

    Raises
    ------
    ValueError
        If it is no SQL expression, or has parts that are not allowed; all of them are named.
    """
    if not text.strip():
        raise ValueError("expected a SQL condition, such as churn_3m > 0.2")
    with duckdb.connect() as connection:
        tree = _tree(connection, text)
        wrong = list(dict.fromkeys(_not_allowed(tree)))
        if wrong:
            raise ValueError(f"expected no {', no '.join(wrong)}; {_ALLOWED}")
        columns = [each["column_names"][0] for each in _nodes(tree) if _is_column(each)]
        return Expression(_sql(connection, tree), tuple(dict.fromkeys(columns)))


class Conditions:
    """Ask tables where conditions hold, in one database kept for it; any thread may ask."""

    def __init__(self, expressions: Mapping[str, Expression]) -> None:
        """Open the database; expressions are named by the settings they come from."""
        self._sql = {name: expression.sql for name, expression in expressions.items()}
        self._database = _confined()

    def hold(self, table: pa.Table) -> NDArray[np.bool_]:
        """Return where expressions are true, shape (n_rows, n_expressions); unknown is false.

        Raises
        ------
        ConfigurationError
            Naming those that cannot be evaluated on what the columns hold.
        """
        if not self._sql:
            return np.empty((table.num_rows, 0), np.bool_)
        try:
            found = _evaluated(self._database, list(self._sql.values()), table)
        except ValueError as error:
            raise self._failed(table) from error
        columns = [column.cast(pa.bool_()).fill_null(False).to_numpy() for column in found.columns]
        return np.column_stack(columns)

    def _failed(self, table: pa.Table) -> ConfigurationError:
        mistakes = []
        for name, sql in self._sql.items():
            try:
                _evaluated(self._database, [sql], table)
            except ValueError as error:
                mistakes.append(Mistake(name, repr(sql), str(error)))
        return ConfigurationError("campaigns cannot run as configured", mistakes)


def mistakes_of(expression: Expression, types: Mapping[str, pa.DataType]) -> list[str]:
    """Return what is wrong with an expression, given the columns there are; best empty."""
    unknown = [name for name in expression.columns if name not in types]
    if unknown:
        return [_unknown(name, types) for name in unknown]
    one = {name: pa.array([_BY_COLUMN_TYPE[type_]], type_) for name, type_ in types.items()}
    sample = pa.table(one)
    try:
        with _confined() as database:
            found = _evaluated(database, [expression.sql], sample).column(0)
    except ValueError as error:
        return [str(error)]
    if not pa.types.is_boolean(found.type):
        return [f"expected a condition that is true or false, and it yields {found.type}"]
    return []


def _confined() -> duckdb.DuckDBPyConnection:
    """Return a database that holds and reaches nothing but what is registered."""
    return duckdb.connect(config=_CONFINED)


def _evaluated(
    database: duckdb.DuckDBPyConnection, parts: Sequence[str], table: pa.Table
) -> pa.Table:
    """Evaluate on a table; whole numbers count as others do, so that none is too large."""
    wanted = ", ".join(f"{sql} AS is_so_{number}" for number, sql in enumerate(parts))
    whole = [name for name in table.column_names if table.schema.field(name).type == pa.int32()]
    for name in whole:
        place = table.column_names.index(name)
        table = table.set_column(place, name, table.column(name).cast(pa.float64()))
    # A cursor of its own sees no table of another thread's.
    with database.cursor() as connection:
        connection.register("customers", table)
        try:
            return connection.sql(f"SELECT {wanted} FROM customers").to_arrow_table()
        except duckdb.Error as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(f"expected a condition that can be evaluated ({reason})") from error


_ALLOWED = (
    "allowed are AND, OR, NOT, comparisons, BETWEEN, IN, IS NULL, LIKE, CASE, arithmetic, "
    f"coalesce and {', '.join(FUNCTIONS)}"
)


def _tree(connection: duckdb.DuckDBPyConnection, text: str) -> Tree:
    wrapped = "SELECT (\n" + text + "\n)"
    row = connection.execute("SELECT json_serialize_sql(?)", [wrapped]).fetchall()[0]
    said: Tree = json.loads(row[0])
    if said["error"]:
        raise ValueError(f"expected a SQL condition: {said['error_message']}{_where(said, text)}")
    # `1), (2` and `1) FROM t WHERE (true` are no single expression.
    select = said["statements"][0]["node"]
    is_alone = len(said["statements"]) == 1 and select.get("type") == "SELECT_NODE"
    if not is_alone or len(select["select_list"]) != 1 or select["from_table"]["type"] != "EMPTY":
        raise ValueError("expected one SQL condition, as stands behind WHERE")
    rest = ("where_clause", "having", "qualify", "sample")
    if any(select[name] for name in (*rest, "group_expressions", "modifiers")):
        raise ValueError("expected one SQL condition, as stands behind WHERE")
    tree: Tree = select["select_list"][0]
    return tree


def _where(said: Mapping[str, Any], text: str) -> str:
    """Point at the place in the text that the parser stumbled over."""
    place = int(said.get("position", -1)) - len("SELECT (\n")
    if not 0 <= place < len(text):
        return "" if place < 0 else ", where it ends"
    return f", before {text[place : place + 20].strip()!r}"


def _nodes(tree: object) -> Iterator[Tree]:
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _not_allowed(tree: Tree) -> Iterator[str]:
    for node in _nodes(tree):
        name = node.get("function_name", "")
        if node["class"] == "FUNCTION":
            if name not in _SIGNS and name not in FUNCTIONS:
                yield f"function {name}"
            elif node.get("distinct") or node.get("filter"):
                yield f"aggregate {name}"
        elif node["class"] == "OPERATOR":
            if node["type"] not in _OPERATORS:
                yield node["type"].removeprefix("OPERATOR_").lower()
        elif node["class"] == "COLUMN_REF":
            if not _is_column(node):
                yield f"table in {'.'.join(node['column_names'])}"
        elif node["class"] not in _PLAIN and not _is_flag(node):
            yield node["class"].lower()


def _is_column(node: Tree) -> bool:
    return node["class"] == "COLUMN_REF" and len(node["column_names"]) == 1


def _is_flag(node: Tree) -> bool:
    """Tell the cast that IS TRUE and IS FALSE are made of."""
    if node["class"] == "CAST":
        return bool(node["type_expr"].get("type_name") == "BOOLEAN")
    return node["class"] == "TYPE" and node.get("type_name") == "BOOLEAN"


def _sql(connection: duckdb.DuckDBPyConnection, tree: Tree) -> str:
    """Write a checked tree out as SQL."""
    empty = json.loads(connection.execute("SELECT json_serialize_sql('SELECT 1')").fetchall()[0][0])
    empty["statements"][0]["node"]["select_list"] = [tree]
    row = connection.execute("SELECT json_deserialize_sql(?)", [json.dumps(empty)]).fetchall()[0]
    return str(row[0]).removeprefix("SELECT ")


def _unknown(name: str, known: Mapping[str, object]) -> str:
    close = get_close_matches(name, list(known), n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{name} is no signal and no score; {hint}{_LISTED}"


_LISTED = "`keepworth features --list` names the signals, docs/data.md#scores the scores"
