"""What a source's SELECT yields, held against the columns of the contract."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import duckdb

from features.ingest.columns import (
    TABLE_COLUMNS,
    TABLE_REQUIRED,
    TypedColumn,
    UnfitColumnError,
    attribute_sql,
    typed_column,
)
from features.ingest.files import View
from features.ingest.quoting import identifier
from features.mistakes import ConfigurationError, Mistake
from features.sources import Source


@dataclass(frozen=True)
class Selection:
    """Hold a source that is fit to run: its views, its SELECT, and how each column is typed.

    `attributes` maps further columns of a `customers` source to their SQL.
    """

    source: Source
    views: tuple[View, ...]
    select: str
    columns: Mapping[str, TypedColumn]
    attributes: Mapping[str, str]


def create_views(connection: duckdb.DuckDBPyConnection, views: Sequence[View]) -> None:
    """Let the SELECT of one source see its files by name."""
    for view in views:
        connection.execute(
            f"CREATE TEMP VIEW {identifier(view.name)} AS SELECT * FROM {view.reader}"
        )


def drop_views(connection: duckdb.DuckDBPyConnection, views: Sequence[View]) -> None:
    """Hide the files of one source from the next."""
    for view in views:
        connection.execute(f"DROP VIEW IF EXISTS {identifier(view.name)}")


def selections_of_all(
    connection: duckdb.DuckDBPyConnection, sources: Sequence[Source], views: Sequence[list[View]]
) -> list[Selection]:
    """Describe every SELECT without running it.

    Raises
    ------
    ConfigurationError
        If a SELECT cannot run or its columns do not fit the contract; all at once.
    """
    described = [
        _selection_of(connection, source, found)
        for source, found in zip(sources, views, strict=True)
    ]
    mistakes = [mistake for _, wrong in described for mistake in wrong]
    if mistakes:
        raise ConfigurationError("The sources cannot be read as configured.", mistakes)
    return [selection for selection, _ in described if selection]


def refused_by_duckdb(source: Source, error: duckdb.Error) -> Mistake:
    """Say in one line why DuckDB would not run a SELECT."""
    reason = re.sub(r"\s+", " ", str(error).partition("\nLINE ")[0]).strip()[:300]
    expected = f"expected a SELECT over {', '.join(source.files)} that DuckDB runs"
    return Mistake(f"sources[{source.name}].select", f"refused ({reason})", expected)


def _selection_of(
    connection: duckdb.DuckDBPyConnection, source: Source, views: Sequence[View]
) -> tuple[Selection | None, list[Mistake]]:
    select, mistake = _single_select(source)
    if mistake:
        return None, [mistake]
    try:
        create_views(connection, views)
        described = connection.execute(f"DESCRIBE SELECT * FROM (\n{select}\n)").fetchall()
    except duckdb.Error as error:
        return None, [refused_by_duckdb(source, error)]
    finally:
        drop_views(connection, views)
    types = {str(name): str(sql_type) for name, sql_type, *_ in described}
    return _fitted(source, tuple(views), select, types)


def _single_select(source: Source) -> tuple[str, Mistake | None]:
    key, expected = f"sources[{source.name}].select", "expected exactly one SELECT"
    try:
        statements = duckdb.extract_statements(source.select)
    except duckdb.Error as error:
        return "", refused_by_duckdb(source, error)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        return "", Mistake(key, f"{len(statements)} statements or no SELECT", expected)
    return source.select.strip().rstrip(";"), None


def _fitted(
    source: Source, views: tuple[View, ...], select: str, types: Mapping[str, str]
) -> tuple[Selection | None, list[Mistake]]:
    columns = TABLE_COLUMNS[source.into]
    given = {name.lower(): name for name in types}
    mistakes = _unknown(source, given) + _missing(source, given)
    typed: dict[str, TypedColumn] = {}
    attributes: dict[str, str] = {}
    for name in [*columns, *(other for other in given if other not in columns)]:
        actual = given.get(name)
        sql_type = types[actual] if actual else '"NULL"'
        try:
            if name in columns:
                target = columns[name]
                typed[name] = typed_column(name, target, actual, sql_type, source.time_zone)
            elif source.into == "customers" and actual:
                attributes[name] = attribute_sql(actual, sql_type)
        except UnfitColumnError as error:
            mistakes.append(_unfit(source, name, sql_type, error))
    return Selection(source, views, select, typed, attributes), mistakes


def _unknown(source: Source, given: Mapping[str, str]) -> list[Mistake]:
    columns = TABLE_COLUMNS[source.into]
    if source.into == "customers":
        return []
    return [
        Mistake(
            f"sources[{source.name}].select",
            f"yielding a column {actual!r}",
            f"expected columns of {source.into}: {', '.join(columns)}{_hint(name, columns)}",
        )
        for name, actual in given.items()
        if name not in columns
    ]


def _hint(name: str, columns: Mapping[str, str]) -> str:
    close = get_close_matches(name, columns, n=1, cutoff=0.5)
    return f" (did you mean {close[0]}?)" if close else ""


def _missing(source: Source, given: Mapping[str, str]) -> list[Mistake]:
    missing = [name for name in TABLE_REQUIRED[source.into] if name not in given]
    if not missing:
        return []
    value = f"without {', '.join(missing)}"
    expected = f"it yields {', '.join(given.values())}; select the missing under these names"
    return [Mistake(f"sources[{source.name}].select", value, expected)]


def _unfit(source: Source, name: str, sql_type: str, error: UnfitColumnError) -> Mistake:
    if error.needs_zone:
        value = f"missing, and {name} is {sql_type}, without zone"
        return Mistake(f"sources[{source.name}].time_zone", value, error.expected)
    value = f"yielding {name} of type {sql_type}"
    return Mistake(f"sources[{source.name}].select", value, error.expected)
