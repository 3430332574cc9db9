"""The shape that every section has, so that one template can show them all."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Cell:
    """Hold what a cell of a table says; `is_best` sets it in bold."""

    text: str
    is_best: bool = False


@dataclass(frozen=True)
class Table:
    """Hold a table: the first column names the row, the others hold figures.

    `groups` are (heading, rows); an empty heading is not shown.
    """

    caption: str
    columns: Sequence[str]
    groups: Sequence[tuple[str, Sequence[Sequence[Cell]]]]


@dataclass(frozen=True)
class LegendEntry:
    """Hold a swatch, drawn or empty with a class that colours it, and what it stands for."""

    text: str
    tone: str = ""
    swatch: Markup | None = None


@dataclass(frozen=True)
class Section:
    """Hold a section: what it finds in one sentence, then charts, tables and notes.

    `key` is its anchor; `folded` tables stand behind a summary, open in print.
    """

    key: str
    heading: str
    finding: str
    charts: Sequence[Markup] = ()
    legend: Sequence[LegendEntry] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    folded: Sequence[Table] = ()
    folded_summary: str = ""


def plain_table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table without groups and without a best cell."""
    return Table(caption, columns, [("", [[Cell(text) for text in row] for row in rows])])
