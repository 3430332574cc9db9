"""What can be wrong with one value, said once and seen twice: in SQL and in Python."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from features.ingest.quoting import literals
from features.instants import EARLIEST, LATEST

SHOWN_CHARACTERS = 60
"""Of a longer text value a sentence shows the beginning only."""


@dataclass(frozen=True)
class Defect:
    """Recognise a wrong value twice: as a SQL condition on `{value}`, and in Python.

    DuckDB and Spark both take the condition, given the type `{instant}` of theirs.
    """

    sql: str
    is_met: Callable[[Any], bool]


@dataclass(frozen=True)
class Check:
    """Name a fault of one column, how to see it, and what was expected.

    It is one of events of these kinds and labels, and not of `other_labels`; empty means all.
    """

    rule: str
    column: str
    defect: Defect
    expected: str
    kinds: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    other_labels: tuple[str, ...] = ()


MISSING = Defect("{value} IS NULL", lambda value: value is None)
WITH_NUL = Defect("contains({value}, chr(0))", lambda value: "\0" in value)
_IS_FINITE = "abs({value}) < CAST('Infinity' AS DOUBLE)"
NOT_FINITE = Defect(f"NOT {_IS_FINITE}", lambda value: not math.isfinite(value))
FRACTIONAL = Defect(
    f"{_IS_FINITE} AND {{value}} <> floor({{value}})",
    lambda value: math.isfinite(value) and value != math.floor(value),
)


def below(limit: float) -> Defect:
    """Recognise finite numbers under the limit."""
    return Defect(
        f"{_IS_FINITE} AND {{value}} < {limit!r}",
        lambda value: math.isfinite(value) and value < limit,
    )


def above(limit: float) -> Defect:
    """Recognise finite numbers over the limit."""
    return Defect(
        f"{_IS_FINITE} AND {{value}} > {limit!r}",
        lambda value: math.isfinite(value) and value > limit,
    )


def not_among(words: Iterable[str]) -> Defect:
    """Recognise text that is none of the words, in this spelling."""
    allowed = frozenset(words)
    listed = literals(sorted(allowed))
    return Defect(f"{{value}} NOT IN ({listed})", lambda value: value not in allowed)


OUT_OF_RANGE = Defect(
    f"({{value}} < CAST('{EARLIEST}' AS {{instant}})"
    f" OR {{value}} >= CAST('{LATEST}' AS {{instant}}))",
    lambda value: not EARLIEST <= value < LATEST,
)
