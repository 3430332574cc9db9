"""The words of a business, counted by Spark where no log is at hand."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from features.catalogue import Vocabulary
from features.instants import instant_of
from features.population import plans_in_force
from features.profiles import is_number, texts_of
from features.rules import CustomerRules
from features.spark.tables import SparkTables, is_visible, quoted
from features.vocabulary import (
    FEWEST_OF_LEVEL,
    FEWEST_OF_SEVERITY,
    MOST_LEVELS,
    MOST_METRICS,
    MOST_SEVERITIES,
    most_frequent,
    require_columns,
)

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

Counts = list[dict[str, int]]
"""How often a word was used before each instant."""
_KNOWN_SINCE = "_known_since"


def vocabularies_of_tables(
    tables: SparkTables,
    rules: CustomerRules,
    attributes: Sequence[str],
    as_ofs: Sequence[datetime],
) -> list[Vocabulary]:
    """Return the vocabulary of each instant, as `vocabulary_of` does of a log.

    Raises
    ------
    ConfigurationError
        If an attribute is no column of the customers.
    """
    metrics, severities = (_labels(tables, kind, as_ofs) for kind in ("usage", "support"))
    levels = {name: _levels(tables, name, as_ofs) for name in _declared(tables, attributes)}
    prices = tables.price_list()
    return [
        Vocabulary(
            metrics=most_frequent(metrics[number], MOST_METRICS, fewest=1),
            levels={
                name: None
                if counts is None
                else most_frequent(counts[number], MOST_LEVELS, FEWEST_OF_LEVEL)
                for name, counts in levels.items()
            },
            severities=most_frequent(severities[number], MOST_SEVERITIES, FEWEST_OF_SEVERITY),
            extra_revenue=rules.extra_revenue,
            has_allowances=_has_allowances(prices, as_of),
        )
        for number, as_of in enumerate(as_ofs)
    ]


def _declared(tables: SparkTables, attributes: Sequence[str]) -> Sequence[str]:
    customers = tables.customers()
    require_columns(attributes, [] if customers is None else customers.columns)
    return attributes


def _labels(tables: SparkTables, kind: str, as_ofs: Sequence[datetime]) -> Counts:
    from pyspark.sql import functions as F  # noqa: N812 -- what everybody calls it

    used = tables.events(max(as_ofs)).filter((F.col("kind") == kind) & F.col("label").isNotNull())
    return _counted(used, "label", [is_visible(as_of) for as_of in as_ofs])


def _levels(tables: SparkTables, attribute: str, as_ofs: Sequence[datetime]) -> Counts | None:
    """Return the counts of an attribute's levels, None where it is a number."""
    from pyspark.sql import functions as F  # noqa: N812

    customers = tables.customers()
    if customers is None or is_number(_type_of(customers, attribute)):
        return None
    bearing = customers.filter(F.col(quoted(attribute)).isNotNull())
    limits = [F.timestamp_micros(F.lit(instant_of(as_of))) for as_of in as_ofs]
    known = [F.col(_KNOWN_SINCE) < limit for limit in limits]
    return _counted(_dated(tables, bearing), attribute, known)


def _dated(tables: SparkTables, customers: "DataFrame") -> "DataFrame":
    """Say since when each customer is known, by the rule of `Profiles.known_at`."""
    from pyspark.sql import functions as F  # noqa: N812

    dated = customers.filter(F.col("acquired_at").isNotNull())
    undated = customers.filter(F.col("acquired_at").isNull())
    visible = F.greatest("occurred_at", F.coalesce("recorded_at", "occurred_at"))
    seen = (
        tables.events()
        .join(undated.select("customer_id"), "customer_id", "left_semi")
        .groupBy("customer_id")
        .agg(F.min(visible).alias(_KNOWN_SINCE))
    )
    since_acquired = dated.withColumn(_KNOWN_SINCE, F.col("acquired_at"))
    return since_acquired.unionByName(undated.join(seen, "customer_id"))


def _type_of(table: "DataFrame", column: str) -> pa.DataType:
    return table.select(quoted(column)).limit(0).toArrow().schema.field(0).type


def _counted(table: "DataFrame", word: str, conditions: "Sequence[Column]") -> Counts:
    """Count the rows of each word that meet each condition, in one pass."""
    from pyspark.sql import functions as F  # noqa: N812

    sums = [
        F.count_if(condition).alias(f"n{number}") for number, condition in enumerate(conditions)
    ]
    found = table.groupBy(F.col(quoted(word)).alias("word")).agg(*sums).toArrow()
    words = texts_of(found.column("word"))
    return [
        dict(zip(words, found.column(f"n{number}").to_pylist(), strict=True))
        for number in range(len(sums))
    ]


def _has_allowances(prices: pa.Table, as_of: datetime) -> bool:
    in_force = plans_in_force(prices, instant_of(as_of))
    return any(plan["allowance"] is not None for plan in in_force.values())
