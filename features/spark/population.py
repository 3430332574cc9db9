"""What a population is asked, and its references, counted by Spark where no log is at hand."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import pyarrow as pa

from features.asked import Asked
from features.catalogue import catalogue
from features.instants import datetime_of, instant_of
from features.population import KINDS_COUNTED, PopulationCounts, population_counts, references_from
from features.references import NO_REFERENCES, References
from features.rules import CustomerRules
from features.spark.stream import blocks_of
from features.spark.tables import SparkTables
from features.spark.vocabulary import vocabularies_of_tables

_COUNT_SCHEMA = pa.schema(
    {
        "instant": pa.int64(),
        "plan": pa.string(),
        "cohort": pa.int64(),
        "price": pa.int64(),
        "n": pa.int64(),
    }
)
_COUNT_COLUMNS = "instant bigint, plan string, cohort bigint, price bigint, n bigint"


def asked_of_tables(
    tables: SparkTables,
    rules: CustomerRules,
    attributes: Sequence[str],
    as_ofs: Sequence[datetime],
) -> list[Asked]:
    """Return what is asked at each instant, as `asked_at` does of a log."""
    words = vocabularies_of_tables(tables, rules, attributes, as_ofs)
    references = references_of_tables(tables, rules, [instant_of(as_of) for as_of in as_ofs])
    return [
        Asked(as_of, catalogue(rules.contract, vocabulary), of_then)
        for as_of, vocabulary, of_then in zip(as_ofs, words, references, strict=True)
    ]


def references_of_tables(
    tables: SparkTables, rules: CustomerRules, instants: Sequence[int]
) -> tuple[References, ...]:
    """Return the references of each instant (microseconds), as `references_of` does of a log."""
    if rules.contract == "transactional":
        return tuple(NO_REFERENCES for _ in instants)
    rows = tables.rows_by_customer((), datetime_of(max(instants)), KINDS_COUNTED)
    work = partial(_count_batches, rules, tuple(instants))
    counts = rows.mapInArrow(work, _COUNT_COLUMNS).groupBy("instant", "plan", "cohort", "price")
    found = counts.sum("n").toArrow().to_pylist()
    prices = tables.price_list()
    return tuple(
        references_from(_counts_of(found, instant), prices, rules, instant) for instant in instants
    )


def _count_batches(
    rules: CustomerRules, instants: tuple[int, ...], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Count in a worker: a row for each plan and price, or cohort and price, of each block."""
    for block in blocks_of(batches, rules, ()):
        for instant in instants:
            counts = population_counts(block, rules, instant)
            plans = [(instant, plan, None, price, n) for (plan, price), n in counts.plans.items()]
            cohorts = [
                (instant, None, began, price, n) for (began, price), n in counts.cohorts.items()
            ]
            named = [dict(zip(_COUNT_SCHEMA.names, row, strict=True)) for row in plans + cohorts]
            yield pa.RecordBatch.from_pylist(named, _COUNT_SCHEMA)


def _counts_of(rows: Sequence[dict[str, Any]], instant: int) -> PopulationCounts:
    found = [row for row in rows if row["instant"] == instant]
    plans = {(row["plan"], row["price"]): row["sum(n)"] for row in found if row["plan"] is not None}
    cohorts = {(row["cohort"], row["price"]): row["sum(n)"] for row in found if row["plan"] is None}
    return PopulationCounts(Counter(plans), Counter(cohorts))
